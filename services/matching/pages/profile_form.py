"""The form in which an organisation says what it is, what it offers and what it needs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from services.matching.organisations.fields import ProfileChange
from services.matching.tables import Organisation
from shared.fields import Language
from shared.language import text_of
from shared.pages import Form

EMPTY_ROWS = 3
SIDES = ("offers", "needs")


@dataclass(slots=True)
class StatementRow:
    """One offer or need as it stands in the form: its text in the page's language, or in the one it has."""

    id: str = ""
    category: str = "knowledge"
    text: str = ""
    visibility: str = "public"


@dataclass(slots=True)
class ProfileForm:
    """What was filled in. `wrong` says that something could not be taken, `stale` that another was faster."""

    version: int
    kind: str
    summary: dict[str, str]
    rows: dict[str, list[StatementRow]] = field(default_factory=dict)
    wrong: bool = False
    stale: bool = False

    @classmethod
    def of(cls, organisation: Organisation, language: Language) -> "ProfileForm":
        filled = cls(organisation.version, organisation.kind or "", dict(organisation.summary or {}))
        for side, held in _held(organisation).items():
            rows = [_row(each, language) for each in held.values()]
            filled.rows[side] = [*rows, *_empty(side)]
        return filled

    @classmethod
    def read(cls, form: Form) -> "ProfileForm":
        version = form.one("version") or ""
        summary = {code: form.one(f"summary_{code}") or "" for code in ("da", "en")}
        filled = cls(int(version) if version.isdecimal() else 0, form.one("kind") or "", summary)
        for side in SIDES:
            columns = (form.all(f"{side}_{name}") for name in ("id", "category", "text", "visibility"))
            filled.rows[side] = [StatementRow(*cells) for cells in zip(*columns, strict=False)]
        return filled

    def change(self, organisation: Organisation, language: Language) -> dict[str, Any] | None:
        """The fields to write; None when something cannot be taken, which `wrong` then says."""
        given: dict[str, Any] = {"summary": {code: text or None for code, text in self.summary.items()}}
        if self.kind:
            given["kind"] = self.kind
        for side, held in _held(organisation).items():
            given[side] = list(_statements(self.rows[side], held, language))
        try:
            return ProfileChange.model_validate(given).given()
        except ValidationError:
            self.wrong = True
            return None

    def with_room(self) -> "ProfileForm":
        """The same with empty rows at the end, to be shown again."""
        for side in SIDES:
            filled = [row for row in self.rows.get(side, []) if row.text]
            self.rows[side] = [*filled, *_empty(side)]
        return self


def _held(organisation: Organisation) -> dict[str, dict[str, dict[str, Any]]]:
    return {side: {each["id"]: each for each in getattr(organisation, side)} for side in SIDES}


def _empty(side: str) -> list[StatementRow]:
    return [StatementRow(visibility="public" if side == "offers" else "members") for _ in range(EMPTY_ROWS)]


def _row(statement: Mapping[str, Any], language: Language) -> StatementRow:
    return StatementRow(
        statement["id"], statement["category"], text_of(statement["text"], language), statement["visibility"]
    )


def _statements(
    rows: list[StatementRow], held: Mapping[str, Mapping[str, Any]], language: Language
) -> Iterator[dict[str, Any]]:
    """The rows with a text; what the form does not show of a statement stays as it was."""
    for row in rows:
        if not row.text:
            continue
        before = held.get(row.id, {})
        texts = dict(before.get("text", {}))
        shown = language if language in texts or not texts else next(iter(texts))
        yield {
            **before,
            "id": row.id or None,
            "category": row.category,
            "visibility": row.visibility,
            "text": {**texts, shown: row.text},
        }
