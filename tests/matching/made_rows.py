"""Rows of a large import, made up: as long as real ones, each a little different."""

import csv
import io
import json
from collections.abc import Sequence

from services.matching.organisations.import_rows import COLUMNS
from tests.matching.builders import Row

_KINDS = ("startup", "research", "producer", "supplier")
_SUBJECTS = ("gæring af sukkerroer", "rensning af spildevand", "måling af blodtryk", "damp fra bryggeriet")
_SECTORS = ("biotech", "pharma", "medtech")


def made_rows(many: int) -> list[Row]:
    """Every tenth is a unit of the one before it."""
    return [_row(at) for at in range(many)]


def _row(at: int) -> Row:
    subject = _SUBJECTS[at % len(_SUBJECTS)]
    row: Row = {
        "key": f"org-{at}",
        "name": f"Virksomhed {at} ApS",
        "kind": _KINDS[at % len(_KINDS)],
        "summary": {"da": f"Vi arbejder med {subject} på anlæg {at}. " * 4, "en": f"We work at plant {at}. " * 4},
        "offers": [
            {"category": "technology", "text": {"da": f"Udstyr til {subject}, model {at}-{each}"}} for each in "ab"
        ],
        "needs": [{"category": "knowledge", "text": {"da": f"Viden om {subject} ved {at % 90} grader"}}],
        "sectors": [_SECTORS[at % len(_SECTORS)]],
        "locations": [{"city": "Kalundborg", "main": True}],
        "contacts": [{"name": "Mette Holm", "email": f"mette@firma{at}.example.org"}],
    }
    return row | {"parent_key": f"org-{at - 1}"} if at % 10 == 9 else row


def as_json_lines(rows: Sequence[Row]) -> str:
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def as_csv(rows: Sequence[Row]) -> str:
    written = io.StringIO()
    table = csv.DictWriter(written, COLUMNS)
    table.writeheader()
    table.writerows(_cells(row) for row in rows)
    return written.getvalue()


def _cells(row: Row) -> dict[str, str]:
    cells: dict[str, str] = {name: row[name] for name in ("key", "parent_key", "name", "kind") if name in row}
    cells |= {f"summary_{code}": text for code, text in row["summary"].items()}
    for name in ("offers", "needs"):
        cells[f"{name}_da"] = "|".join(f"{each['category']}: {each['text']['da']}" for each in row[name])
    contact = row["contacts"][0]
    return cells | {
        "sectors": "|".join(row["sectors"]),
        "cities": "|".join(each["city"] for each in row["locations"]),
        "contact_name": contact["name"],
        "contact_email": contact["email"],
    }
