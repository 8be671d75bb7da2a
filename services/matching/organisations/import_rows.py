"""Reading an import: rows of JSON lines or CSV, each with its line, and what is wrong with it."""

import csv
import io
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from services.matching.organisations.fields import ImportRow
from shared.contracts.matching import DomainUse
from shared.problems import FieldError, Invalid

if TYPE_CHECKING:
    import _csv

MOST_ROWS = 10_000
MOST_ERRORS = 1_000
BETWEEN = "|"

_PLAIN = ("key", "parent_key", "name", "kind", "parent", "cvr", "p_number", "country", "size", "website", "hub")
_DOMAINS = ("web_domains", "mail_domains")
_LISTS = ("sectors", "focus_areas", "languages", *_DOMAINS)
_LANGUAGES = ("da", "en")
_CONTACT = ("name", "email", "title", "phone")
_STATEMENTS = tuple((name, code) for name in ("offers", "needs") for code in _LANGUAGES)
COLUMNS = (
    *_PLAIN,
    *_LISTS,
    *(f"summary_{code}" for code in _LANGUAGES),
    *(f"{name}_{code}" for name, code in _STATEMENTS),
    "cities",
    *(f"contact_{part}" for part in _CONTACT),
    "published",
)
# Danish Excel says SAND and FALSK.
_YES_NO = dict.fromkeys(("true", "yes", "ja", "sand", "1"), True)
_YES_NO |= dict.fromkeys(("false", "no", "nej", "falsk", "0"), False)
_ERROR = re.compile(
    r"#+|#(N/A|REF!|VALUE!|NAME\?|DIV/0!|NULL!|NUM!|SPILL!"
    r"|I/T|REFERENCE!|VÆRDI!|NAVN\?|DIVISION/0!|NUL!|OVERLØB!)"
)
_ROUNDED = re.compile(r"\d+([.,]\d+)?[Ee]\+\d+")
_NUMBERS = ("key", "parent_key", "cvr", "p_number", "contact_phone")
_HOW_TO_SAVE = "save it as “CSV UTF-8”, or say its charset in `Content-Type`"


@dataclass(frozen=True, slots=True)
class _Refused:
    """What stands in the place of a row that cannot be read."""

    why: str


@dataclass(frozen=True, slots=True)
class Row:
    """`at` is its place among the rows, from 0; `line` is where it begins in what was sent, from 1.

    What it says is kept as JSON: ten thousand trees of objects are what every collection of garbage walks through.
    """

    at: int
    line: int
    key: str | None
    parent_key: str | None
    parent: UUID | None
    cvr: str | None
    country: str
    given: frozenset[str]
    domains: frozenset[tuple[str, DomainUse]]
    said: bytes

    @classmethod
    def of(cls, at: int, line: int, read: ImportRow) -> "Row":
        apart = {"key", "parent_key", *_DOMAINS}
        said = read.model_dump_json(exclude=apart).encode()
        web: set[tuple[str, DomainUse]] = {(each, "web") for each in read.web_domains}
        mail: set[tuple[str, DomainUse]] = {(each, "mail") for each in read.mail_domains}
        given = frozenset(read.model_fields_set - apart)
        return cls(
            at, line, read.key, read.parent_key, read.parent, read.cvr, read.country, given, frozenset(web | mail), said
        )

    @property
    def is_unit(self) -> bool:
        return self.parent_key is not None or self.parent is not None

    def whole(self) -> dict[str, Any]:
        """Every field, as it is stored."""
        fields: dict[str, Any] = orjson.loads(self.said)
        return fields

    def changes(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: value for name, value in self.whole().items() if name in self.given}


def _opened(sent: bytes, newline: str | None, encoding: str = "utf-8-sig") -> io.TextIOWrapper:
    """Decoded as it is read: all at once would hold up the event loop from a worker thread too."""
    return io.TextIOWrapper(io.BytesIO(sent), encoding=encoding, newline=newline)


def _unreadable(sent: bytes, encoding: str = "utf-8-sig") -> Invalid:
    try:
        sent.decode(encoding)
    except UnicodeDecodeError as wrong:
        line = 1 + sent.count(b"\n", 0, wrong.start)
        named = "UTF-8" if encoding == "utf-8-sig" else encoding
        return Invalid.field("/", f"line {line}: not {named}, at byte {wrong.start}; {_HOW_TO_SAVE}")
    raise AssertionError(f"it is {encoding}")


def read_json_lines(sent: bytes) -> list[Row]:
    """One organisation a line. Raises Invalid that names every wrong line."""
    lines = ((number, line) for number, line in enumerate(_opened(sent, None), 1) if line.strip())
    try:
        return _checked((number, _json(line)) for number, line in lines)
    except UnicodeDecodeError as wrong:
        raise _unreadable(sent) from wrong


def _json(line: str) -> Any:
    try:
        return json.loads(line, object_pairs_hook=_each_once)
    except _Twice as twice:
        return _Refused(f"{twice} is there twice")
    except (ValueError, RecursionError):
        return None


class _Twice(Exception):
    """A name that an object has twice: one of the two would be lost."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise _Twice(next(name for name in names if names.count(name) > 1))
    return found


def read_csv(sent: bytes, encoding: str = "utf-8-sig") -> list[Row]:
    """A heading and a row an organisation, with `,` or `;`. Raises Invalid that names every wrong line.

    Several values stand in one cell with `|` between them; an offer or a need is `category: text`. Lines and columns
    that a spreadsheet left empty are passed over.
    """
    with_semicolons = sent.count(b";", 0, sent.find(b"\n")) > sent.count(b",", 0, sent.find(b"\n"))
    # Strict: a quote that is never closed would swallow all the rows that follow it.
    reader = csv.reader(_opened(sent, "", encoding), delimiter=";" if with_semicolons else ",", strict=True)
    try:
        return _checked(_rows(reader))
    except UnicodeDecodeError as wrong:
        raise _unreadable(sent, encoding) from wrong


def _rows(reader: "_csv.Reader") -> Iterator[tuple[int, Any]]:
    begins = 1
    try:
        heading = _heading(next(reader, []))
        begins = reader.line_num + 1
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield begins, _from_cells(heading, cells)
            begins = reader.line_num + 1
    except csv.Error as wrong:
        raise Invalid.field("/", f"line {begins}: {wrong}; look for a quotation mark that is not closed") from wrong


def _heading(cells: Sequence[str]) -> list[str]:
    names = [cell.strip() for cell in cells]
    given = [name for name in names if name]
    unknown = sorted(set(given) - set(COLUMNS))
    if unknown or not given:
        raise Invalid.field("/", f"line 1: unknown columns {unknown}; a heading has some of {', '.join(COLUMNS)}")
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise Invalid.field("/", f"line 1: columns that are there twice: {twice}")
    return names


def _from_cells(heading: Sequence[str], cells: Sequence[str]) -> "dict[str, Any] | _Refused":
    """The row as JSON would say it, or why it cannot be."""
    said = [cell.strip() for cell in cells]
    under_none = [cell for name, cell in itertools.zip_longest(heading, said, fillvalue="") if cell and not name]
    if under_none:
        return _Refused("a cell stands under no heading; a text with a separator in it needs quotation marks")
    filled = {name: cell for name, cell in zip(heading, said, strict=False) if cell}
    broken = [name for name, cell in filled.items() if _is_broken(name, cell)]
    if broken:
        return _Refused(f"{broken[0]}: a spreadsheet put `{filled[broken[0]]}` in the place of what stood there")
    return _row(filled)


def _is_broken(name: str, cell: str) -> bool:
    """An error of a formula, a number too wide for its column, or one of which only the first digits are left."""
    return bool(_ERROR.fullmatch(cell)) or (name in _NUMBERS and bool(_ROUNDED.fullmatch(cell)))


def _row(filled: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {name: filled[name] for name in _PLAIN if name in filled}
    row |= {name: _split(filled[name]) for name in _LISTS if name in filled}
    summary = {code: filled[f"summary_{code}"] for code in _LANGUAGES if f"summary_{code}" in filled}
    if summary:
        row["summary"] = summary
    for name, code in _STATEMENTS:
        if f"{name}_{code}" in filled:
            row.setdefault(name, []).extend(_statement(each, code) for each in _split(filled[f"{name}_{code}"]))
    if "cities" in filled:
        row["locations"] = [{"city": city, "main": at == 0} for at, city in enumerate(_split(filled["cities"]))]
    contact = {part: filled[f"contact_{part}"] for part in _CONTACT if f"contact_{part}" in filled}
    if contact:
        row["contacts"] = [contact]
    if "published" in filled:
        row["published"] = _YES_NO.get(filled["published"].lower(), filled["published"])
    return row


def _split(cell: str) -> list[str]:
    return [part.strip() for part in cell.split(BETWEEN) if part.strip()]


def _statement(cell: str, code: str) -> dict[str, Any]:
    category, _, text = cell.partition(":")
    return {"category": category.strip().lower(), "text": {code: text.strip()}}


def _checked(rows: Iterable[tuple[int, Any]]) -> list[Row]:
    read: list[Row] = []
    errors: list[FieldError] = []
    for at, (line, row) in enumerate(rows):
        if at >= MOST_ROWS:
            raise Invalid.field("/", f"more than {MOST_ROWS} rows; send them in several imports")
        if not isinstance(row, dict):
            why = row.why if isinstance(row, _Refused) else "not an organisation"
            errors.append(FieldError(pointer=f"/{at}", detail=f"line {line}: {why}"))
            continue
        try:
            read.append(Row.of(at, line, ImportRow.model_validate(row)))
        except ValidationError as wrong:
            errors.extend(_errors(at, line, wrong))
    if errors:
        raise Invalid(*errors[:MOST_ERRORS])
    return read


def _errors(at: int, line: int, wrong: ValidationError) -> Iterator[FieldError]:
    for item in wrong.errors(include_url=False, include_input=False):
        place = "/".join(str(part) for part in item["loc"])
        yield FieldError(pointer=f"/{at}/{place}", detail=f"line {line}: {item['msg'].removeprefix('Value error, ')}")


def wrong(row: Row, field: str, detail: str) -> FieldError:
    return FieldError(pointer=f"/{row.at}/{field}", detail=f"line {row.line}: {detail}")
