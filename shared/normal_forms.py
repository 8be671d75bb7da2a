"""The form in which company numbers and names are compared; numbers are stored so, too.

Domains have theirs in `domains`, telephone numbers and addresses where they are taken in, in `fields`.
"""

import importlib
import re
from functools import lru_cache
from typing import Any

from stdnum import get_cc_module
from stdnum.dk import cvr
from stdnum.exceptions import ValidationError
from stdnum.util import clean

from shared.fields import visible
from shared.problems import Invalid

LONGEST_NUMBER = 20

# What companies of a country are registered by, where that is not their number for value added tax.
_REGISTERS = ("cvr", "orgnr", "ytunnus", "uid")
# People write what kind of number it is before it.
_WORD_BEFORE = re.compile(r"^\s*(CVR|VAT|SE)\b[\s.:-]*(NR|NO|NUMMER)?[\s.:#-]*(?=(DK)?[\s-]*\d)", re.IGNORECASE)
_LEGAL_FORMS = frozenset(
    ("as", "aps", "ivs", "is", "ks", "ps", "amba", "smba", "fmba", "ab", "asa", "oy", "oyj", "gmbh", "ag", "ltd",
     "limited", "inc", "llc", "bv", "nv", "plc", "sa", "sarl", "srl")
)  # fmt: skip
# As two letters with a stroke or full stops, before what separates words is taken away.
_IN_PARTS = re.compile(r"\b(?:\w[/.]){1,3}\w\b\.?")
_NO_WORD = re.compile(r"[\W_]+")
_ALIKE = str.maketrans({"æ": "ae", "ø": "oe", "å": "aa", "ö": "oe", "ä": "ae", "ü": "ue", "ß": "ss"})


@lru_cache(maxsize=64)
def _number_of(country: str) -> Any:
    """The module of the library that knows this country's, None where it knows none."""
    for register in _REGISTERS:
        try:
            return importlib.import_module(f"stdnum.{country.lower()}.{register}")
        except ImportError:
            continue
    return get_cc_module(country, "vat")


def company_number(written: str, country: str) -> str:
    """A company's number as its country writes it, without what only separates."""
    plain = _WORD_BEFORE.sub("", visible(written)).upper()
    known = _number_of(country)
    if known is None:
        return clean(plain, " -./,:").strip()
    try:
        return str(known.compact(plain))
    except ValidationError:
        return clean(plain, " -./,:").strip()


def checked_number(written: str | None, country: str, pointer: str) -> str | None:
    """The same, refused where it cannot be: a Danish one whose digits do not check, or one that is none at all."""
    if written is None:
        return None
    number = company_number(written, country)
    if country == "DK" and not cvr.is_valid(number):
        raise Invalid.field(pointer, "not a Danish CVR number: eight digits whose last checks the others")
    if not 2 <= len(number) <= LONGEST_NUMBER:
        raise Invalid.field(pointer, "not a company number")
    return number


def same_name(name: str) -> str:
    """What two names have in common that people take for one: letters and digits, without the legal form."""
    plain = _IN_PARTS.sub(lambda found: re.sub(r"[/.]", "", found[0]), visible(name).casefold())
    words = _NO_WORD.sub(" ", plain).translate(_ALIKE).split()
    while len(words) > 1 and words[-1] in _LEGAL_FORMS:
        words.pop()
    return " ".join(words)
