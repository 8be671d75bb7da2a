"""The field types of every service's input: what text, addresses and lists may hold."""

import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal
from unicodedata import normalize
from urllib.parse import urlsplit
from zoneinfo import available_timezones

import idna
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Language = Literal["da", "en"]

# All of Unicode's categories Cc and Cs but newline and tab.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_LINE_BREAKS = re.compile(r"\r\n?")
_DASHES = re.compile("[\u2010-\u2015\u2212\ufe58\ufe63\uff0d]")


class Input(BaseModel):
    """A body or a part of one. Fields we do not know are refused: a misspelt one must not be lost in silence."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


def _without_controls(text: str) -> str:
    """SQLite stores NUL, PostgreSQL answers with an error: both refuse here."""
    text = _LINE_BREAKS.sub("\n", text)
    if found := _CONTROLS.search(text):
        raise ValueError(f"control characters are not allowed (found U+{ord(found.group()):04X})")
    return text


def _one_line(text: str) -> str:
    if "\n" in text or "\t" in text:
        raise ValueError("must be one line")
    return text


def visible(text: str) -> str:
    """What can be seen of it: one way to write each letter, dash and space, and nothing that takes no room."""
    seen = unicodedata.normalize("NFKC", text)
    return _DASHES.sub("-", "".join(" " if each.isspace() else each for each in seen if not _takes_no_room(each)))


def _takes_no_room(letter: str) -> bool:
    return unicodedata.category(letter) == "Cf"


def _at_least_one(texts: dict[Language, str]) -> dict[Language, str]:
    if not texts:
        raise ValueError('give at least one of "da" and "en"')
    return texts


@lru_cache(maxsize=4096)
def _checked_email(address: str) -> str:
    try:
        # example.org and .test are for samples and tests.
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError as wrong:
        raise ValueError(f"not an e-mail address: {wrong}") from wrong


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError('unknown time zone; give an IANA name such as "Europe/Copenhagen"')
    return name


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _http_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or "." not in parts.hostname:
        raise ValueError("must be an http or https address, such as https://example.org")
    return url


@lru_cache(maxsize=4096)
def mail_domain(domain: str) -> str:
    """The domain of an address in the form that is kept and compared: lower case, in its own letters (IDNA 2008)."""
    if domain.isascii() and "xn--" not in domain.lower():
        return domain.lower()
    try:
        return idna.decode(domain, uts46=True)
    except idna.IDNAError:
        return domain.lower()


def ascii_domain(domain: str) -> str:
    """The same domain in letters that every mail server and every header takes. Raises ValueError for what is none."""
    return domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")


def wire_address(address: str) -> str:
    """An address as it goes out, in headers as on the envelope. Only the part before the @ may need SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    return f"{local}@{ascii_domain(domain)}"


def email_domain(address: str) -> str:
    return mail_domain(address.rpartition("@")[2])


def same_address(address: str) -> str:
    """The form in which two addresses are compared."""
    local, _, domain = address.rpartition("@")
    return f"{normalize('NFC', local.lower())}@{mail_domain(domain)}"


_Checked = AfterValidator(_without_controls)
Line = Annotated[str, _Checked, AfterValidator(_one_line), Field(min_length=1, max_length=200)]
LongText = Annotated[str, _Checked, Field(min_length=1, max_length=20_000)]
LineTexts = Annotated[dict[Language, Line], AfterValidator(_at_least_one)]
LongTexts = Annotated[dict[Language, LongText], AfterValidator(_at_least_one)]
Email = Annotated[
    str,
    Field(min_length=3, max_length=254),
    AfterValidator(_checked_email),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": 254}),
]
Phone = Annotated[
    str,
    BeforeValidator(lambda given: visible(given).strip() if isinstance(given, str) else given),
    Field(min_length=3, max_length=40, pattern=r"^[+0-9 ()./-]+$"),
]
CompanyNumber = Annotated[
    str,
    BeforeValidator(lambda given: visible(given).strip().upper() if isinstance(given, str) else given),
    Field(min_length=2, max_length=30, pattern=r"^[A-Z0-9][A-Z0-9 ./:,-]*$"),
]
Timezone = Annotated[str, Field(max_length=64), AfterValidator(_zone)]
Url = Annotated[
    str,
    _Checked,
    AfterValidator(_one_line),
    Field(max_length=500),
    AfterValidator(_http_url),
    WithJsonSchema({"type": "string", "format": "uri", "maxLength": 500}),
]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]


def utc_now() -> datetime:
    return datetime.now(UTC)


def _null_is_refused(value: Any) -> Any:
    if value is None:
        raise ValueError("null is not allowed here; leave the field out to keep it as it is")
    return value


NotNull = BeforeValidator(_null_is_refused)
