"""The import over HTTP."""

import asyncio
from collections.abc import Sequence
from email.message import Message
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel

from services.matching.organisations.import_rows import COLUMNS, MOST_ROWS, Row, read_csv, read_json_lines
from services.matching.organisations.imports import ImportedMeanwhile, Step, What, carry_out, plan
from services.matching.routes.organisations import OWN
from shared.http.callers import KnownCaller
from shared.http.edge import MIB, takes_bodies_up_to
from shared.http.once import IdempotencyKey, OnceRoute
from shared.http.rendering import documented
from shared.http.sessions import Transaction
from shared.idempotency import KeyReused
from shared.problems import Problem

router = APIRouter(prefix="/v1/organisations", tags=["organisations"], route_class=OnceRoute)

JSON_LINES, CSV = "application/x-ndjson", "text/csv"
_UTF_8 = ("utf-8", "utf8", "us-ascii")
# Who says Latin-1 means what Windows calls so (WHATWG Encoding, 4.2).
_FROM_EXCEL = ("windows-1252", "cp1252", "iso-8859-1", "latin1")
LARGEST_IMPORT = 32 * MIB


class UnsupportedMediaType(Problem):
    status, slug, title = 415, "unsupported-media-type", "Send JSON lines or CSV"


class ImportedRow(BaseModel):
    """`line` is where the row begins in what was sent. A profile that is `kept` belongs to its own people by now."""

    line: int
    key: str | None
    id: UUID
    result: What


class ImportReport(BaseModel):
    """`counts` by result. With `dry_run` nothing was written, and the ids of new organisations are not given yet."""

    dry_run: bool
    counts: dict[What, int]
    rows: list[ImportedRow]


async def _read_rows(request: Request, caller: KnownCaller) -> list[Row]:
    """Reads what the secretariat sent, and nobody else's; before the transaction, which holds up other writers."""
    caller.require(caller.is_admin, may_see=True)
    sent = Message()
    sent["Content-Type"] = request.headers.get("Content-Type", "")
    charset = sent.get_content_charset("utf-8")
    match sent.get_content_type():
        case "application/x-ndjson" if charset in _UTF_8:
            read = read_json_lines
        case "text/csv" if charset in _UTF_8:
            read = read_csv
        case "text/csv" if charset in _FROM_EXCEL:
            read = partial(read_csv, encoding="windows-1252")
        case _:
            raise UnsupportedMediaType(f"`Content-Type` must be {JSON_LINES} or {CSV}; a CSV may be windows-1252 too.")
    return await asyncio.to_thread(read, await request.body())


SentRows = Annotated[list[Row], Depends(_read_rows)]

_BODY: dict[str, Any] = {
    "required": True,
    "description": f"At most {LARGEST_IMPORT // MIB} MiB and {MOST_ROWS} rows. CSV columns: " + ", ".join(COLUMNS),
    "content": {
        JSON_LINES: {"schema": {"type": "string", "description": "An object of `POST /v1/organisations` a line"}},
        CSV: {"schema": {"type": "string"}},
    },
}


@router.post(
    "/import",
    response_model=ImportReport,
    responses={**OWN, **documented(ImportedMeanwhile, UnsupportedMediaType, KeyReused)},
    openapi_extra={"requestBody": _BODY},
)
@takes_bodies_up_to(LARGEST_IMPORT)
async def import_organisations(
    rows: SentRows,
    session: Transaction,
    dry_run: Annotated[bool, Query(description="Only say what would be done")] = False,
    _: IdempotencyKey = None,
) -> Response:
    """Makes and updates organisations; for the secretariat. Rows with the `key` of an earlier import update that
    organisation, `parent_key` names another row or an earlier one. One wrong row, and nothing is imported."""
    steps = await plan(session, rows, locked=not dry_run)
    if not dry_run:
        await carry_out(session, steps)
    written = await asyncio.to_thread(_report, steps, dry_run=dry_run)
    return Response(written, media_type="application/json")


def _report(steps: Sequence[Step], *, dry_run: bool) -> str:
    counts: dict[What, int] = {"created": 0, "updated": 0, "unchanged": 0, "kept": 0}
    for step in steps:
        counts[step.what] += 1
    in_order = sorted(steps, key=lambda step: step.row.at)
    rows = [
        ImportedRow(line=step.row.line, key=step.row.key, id=step.organisation_id, result=step.what)
        for step in in_order
    ]
    return ImportReport(dry_run=dry_run, counts=counts, rows=rows).model_dump_json()
