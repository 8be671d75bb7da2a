"""Reading an import: rows of JSON lines or CSV, each with its line, and what is wrong with it."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson
from pydantic import ValidationError

from services.matching.organisations.fields import ImportRow
from shared.problems import FieldError, Invalid

MOST_ROWS = 10_000
MOST_ERRORS = 1_000
BETWEEN = "|"

_PLAIN = ("key", "parent_key", "name", "kind", "parent", "cvr", "p_number", "country", "size", "website", "hub")
_LISTS = ("sectors", "focus_areas", "languages")
_LANGUAGES = ("da", "en")
_STATEMENTS = tuple((name, code) for name in ("offers", "needs") for code in _LANGUAGES)
COLUMNS = (
    *_PLAIN,
    *_LISTS,
    *(f"summary_{code}" for code in _LANGUAGES),
    *(f"{name}_{code}" for name, code in _STATEMENTS),
    "cities",
    "contact_name",
    "contact_email",
    "contact_title",
    "contact_phone",
    "published",
)
_YES_NO = {"true": True, "yes": True, "ja": True, "1": True, "false": False, "no": False, "nej": False, "0": False}


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
    said: bytes

    @classmethod
    def of(cls, at: int, line: int, read: ImportRow) -> "Row":
        said = read.model_dump_json(exclude={"key", "parent_key"}).encode()
        given = frozenset(read.model_fields_set - {"key", "parent_key"})
        return cls(at, line, read.key, read.parent_key, read.parent, read.cvr, read.country, given, said)

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


def _opened(sent: bytes, newline: str | None) -> io.TextIOWrapper:
    """Decoded as it is read: all at once would hold up the event loop from a worker thread too."""
    return io.TextIOWrapper(io.BytesIO(sent), encoding="utf-8-sig", newline=newline)


def _not_utf_8(sent: bytes) -> Invalid:
    try:
        sent.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        return Invalid.field("/", f"not UTF-8, at byte {wrong.start}")
    raise AssertionError("it is UTF-8")


def read_json_lines(sent: bytes) -> list[Row]:
    """One organisation a line. Raises Invalid that names every wrong line."""
    lines = ((number, line) for number, line in enumerate(_opened(sent, None), 1) if line.strip())
    try:
        return _checked((number, _json(line)) for number, line in lines)
    except UnicodeDecodeError as wrong:
        raise _not_utf_8(sent) from wrong


def _json(line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def read_csv(sent: bytes) -> list[Row]:
    """A heading and a row an organisation, with `,` or `;`. Raises Invalid that names every wrong line.

    Several values stand in one cell with `|` between them; an offer or a need is `category: text`.
    """
    with_semicolons = sent.count(b";", 0, sent.find(b"\n")) > sent.count(b",", 0, sent.find(b"\n"))
    reader = csv.DictReader(_opened(sent, ""), delimiter=";" if with_semicolons else ",")
    try:
        unknown = sorted(set(reader.fieldnames or ()) - set(COLUMNS))
        if unknown or not reader.fieldnames:
            raise Invalid.field("/", f"line 1: unknown columns {unknown}; a heading has some of {', '.join(COLUMNS)}")
        return _checked((reader.line_num, _from_cells(cells)) for cells in reader)
    except csv.Error as wrong:
        raise Invalid.field("/", f"line {reader.line_num}: {wrong}") from wrong
    except UnicodeDecodeError as wrong:
        raise _not_utf_8(sent) from wrong


def _from_cells(cells: dict[str | None, Any]) -> dict[str, Any] | None:
    """The row as JSON would say it; None when it has more cells than the heading."""
    if None in cells:
        return None
    filled = {str(name): cell.strip() for name, cell in cells.items() if cell and cell.strip()}
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
    if "contact_email" in filled:
        parts = ("name", "email", "title", "phone")
        row["contacts"] = [{part: filled[f"contact_{part}"] for part in parts if f"contact_{part}" in filled}]
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
            errors.append(FieldError(pointer=f"/{at}", detail=f"line {line}: not an organisation"))
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
