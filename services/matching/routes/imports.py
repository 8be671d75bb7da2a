"""The import over HTTP."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from services.matching.import_rows import COLUMNS, Row, read_csv, read_json_lines
from services.matching.imports import What, carry_out, plan
from services.matching.routes.organisations import OWN
from shared.auth import KnownCaller
from shared.database import Transaction
from shared.idempotency import IdempotencyKey, KeyReused, OnceRoute
from shared.problems import Invalid, Problem, documented

router = APIRouter(prefix="/v1/organisations", tags=["organisations"], route_class=OnceRoute)

JSON_LINES, CSV = "application/x-ndjson", "text/csv"


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


_BODY: dict[str, Any] = {
    "required": True,
    "description": "At most 1 MiB. CSV columns: " + ", ".join(COLUMNS),
    "content": {
        JSON_LINES: {"schema": {"type": "string", "description": "An object of `POST /v1/organisations` a line"}},
        CSV: {"schema": {"type": "string"}},
    },
}


@router.post(
    "/import",
    responses={**OWN, **documented(UnsupportedMediaType, KeyReused)},
    openapi_extra={"requestBody": _BODY},
)
async def import_organisations(
    request: Request,
    caller: KnownCaller,
    session: Transaction,
    dry_run: Annotated[bool, Query(description="Only say what would be done")] = False,
    _: IdempotencyKey = None,
) -> ImportReport:
    """Makes and updates organisations; for the secretariat. Rows with the `key` of an earlier import update that
    organisation, `parent_key` names another row or an earlier one. One wrong row, and nothing is imported."""
    caller.require(caller.is_admin, may_see=True)
    steps = await plan(session, _read(request.headers.get("Content-Type", ""), await request.body()))
    if not dry_run:
        await carry_out(session, steps)
    counts: dict[What, int] = {"created": 0, "updated": 0, "unchanged": 0, "kept": 0}
    for step in steps:
        counts[step.what] += 1
    in_order = sorted(steps, key=lambda step: step.row.at)
    rows = [
        ImportedRow(line=step.row.line, key=step.row.read.key, id=step.organisation_id, result=step.what)
        for step in in_order
    ]
    return ImportReport(dry_run=dry_run, counts=counts, rows=rows)


def _read(content_type: str, body: bytes) -> list[Row]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        raise Invalid.field("/", f"not UTF-8, at byte {wrong.start}") from wrong
    match content_type.partition(";")[0].strip().lower():
        case "application/x-ndjson":
            return read_json_lines(text)
        case "text/csv":
            return read_csv(text)
        case _:
            raise UnsupportedMediaType(f"`Content-Type` must be {JSON_LINES} or {CSV}.")
