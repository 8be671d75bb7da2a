"""Importing organisations: planned whole, then carried out whole or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching import profiles
from services.matching.import_rows import Row, wrong
from services.matching.profiles import checked_number
from services.matching.sight import find_now
from services.matching.statements import keeping_ids
from services.matching.tables import Organisation
from shared.database import uuid7
from shared.problems import FieldError, Invalid

What = Literal["created", "updated", "unchanged", "kept"]


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a row. A profile that its own people have taken over is `kept` as it is, and so is one that
    another was merged into, where the row is about that other."""

    row: Row
    organisation_id: UUID
    what: What
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Known:
    """Organisations by import key, and parents by id."""

    by_key: Mapping[str, Organisation]
    by_id: Mapping[UUID, Organisation]


async def plan(session: AsyncSession, rows: Sequence[Row]) -> list[Step]:
    """What an import would do, parents first. Raises Invalid that names every wrong row."""
    known = await _known(session, rows)
    ids = {row.read.key: _id_of(row, known) for row in rows if row.read.key}
    by_key = {row.read.key: row for row in rows if row.read.key}
    errors = [error for row in rows for error in _errors(row, by_key, known)]
    errors += _twice(rows)
    if errors:
        raise Invalid(*errors)
    parents_first = sorted(rows, key=lambda row: row.read.parent_key is not None or row.read.parent is not None)
    return [_step(row, known, ids) for row in parents_first]


async def _known(session: AsyncSession, rows: Sequence[Row]) -> _Known:
    keys = {key for row in rows for key in (row.read.key, row.read.parent_key) if key}
    ids = {row.read.parent for row in rows if row.read.parent}
    found: list[Organisation] = []
    for column, values in ((col(Organisation.import_key), keys), (col(Organisation.id), ids)):
        if values:
            found += await session.exec(select(Organisation).where(column.in_(values)))
    now = await find_now(session, [each.id for each in found])
    return _Known({each.import_key: now[each.id] for each in found if each.import_key}, now)


def _id_of(row: Row, known: _Known) -> UUID:
    there = known.by_key.get(row.read.key or "")
    return there.id if there else uuid7()


def _twice(rows: Sequence[Row]) -> list[FieldError]:
    seen: dict[str, Row] = {}
    errors = []
    for row in rows:
        key = row.read.key
        if key and key in seen:
            errors.append(wrong(row, "key", f"the same key as line {seen[key].line}"))
        elif key:
            seen[key] = row
    return errors


def _errors(row: Row, by_key: Mapping[str, Row], known: _Known) -> list[FieldError]:
    errors = []
    read = row.read
    try:
        checked_number(read.cvr, read.country)
    except Invalid as invalid:
        errors.append(wrong(row, "cvr", invalid.extras["errors"][0]["detail"]))
    if read.parent_key and read.parent:
        errors.append(wrong(row, "parent", "give either parent or parent_key"))
    elif read.parent_key:
        errors += _parent_errors(row, by_key, known)
    elif read.parent and (read.parent not in known.by_id or known.by_id[read.parent].parent is not None):
        errors.append(wrong(row, "parent", "no such organisation that could be a parent"))
    return errors


def _parent_errors(row: Row, by_key: Mapping[str, Row], known: _Known) -> list[FieldError]:
    key = row.read.parent_key or ""
    above, there = by_key.get(key), known.by_key.get(key)
    if above is None and there is None:
        return [wrong(row, "parent_key", "no organisation has this key, here or from an earlier import")]
    is_unit = above.read.parent_key or above.read.parent if above else there and there.parent
    if is_unit or key == row.read.key:
        return [wrong(row, "parent_key", "a parent has no parent itself")]
    return []


def _step(row: Row, known: _Known, ids: Mapping[str, UUID]) -> Step:
    read, there = row.read, known.by_key.get(row.read.key or "")
    fields = {name: value for name, value in read.given().items() if name not in ("key", "parent_key")}
    if read.parent_key:
        above = known.by_key.get(read.parent_key)
        fields["parent"] = str(ids.get(read.parent_key, above and above.id))
    identity = there.id if there else ids.get(read.key or "") or uuid7()
    if there is None:
        return Step(row, identity, "created", {**read.model_dump(mode="json"), **fields})
    if there.claimed or there.import_key != read.key:
        return Step(row, identity, "kept", {})
    fields = _as_replacement(fields, there)
    changed = {name: value for name, value in fields.items() if not _same(there, name, value)}
    return Step(row, identity, "updated" if changed else "unchanged", changed)


def _as_replacement(fields: dict[str, Any], there: Organisation) -> dict[str, Any]:
    """The fields so that they replace what is there: texts of a language that has gone, and ids of what has stayed."""
    done = dict(fields)
    if "summary" in done:
        done["summary"] = {**dict.fromkeys(there.summary or {}), **(done["summary"] or {})} or None
    for name in ("offers", "needs"):
        if name in done:
            done[name] = keeping_ids(done[name], getattr(there, name))
    return done


def _same(there: Organisation, name: str, value: Any) -> bool:
    if name == "summary":
        return profiles.merged_texts(there.summary, value) == there.summary
    if name == "cvr":
        return there.cvr == checked_number(value, there.country)
    held = getattr(there, name)
    return bool((str(held) if isinstance(held, UUID) else held) == value)


async def carry_out(session: AsyncSession, steps: Sequence[Step]) -> None:
    """Writes what was planned in the same transaction."""
    for step in steps:
        if step.what == "created":
            fields = {**step.fields, "offers": _new(step.fields["offers"]), "needs": _new(step.fields["needs"])}
            if fields["parent"]:
                await session.flush()
            organisation = await profiles.create(
                session, fields, published=step.row.read.published, organisation_id=step.organisation_id
            )
            organisation.import_key = step.row.read.key
        elif step.what == "updated":
            await profiles.change(session, step.organisation_id, step.fields, own=False)


def _new(statements: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The ids of another source mean nothing here."""
    return [{**each, "id": None} for each in statements]
