"""Importing organisations: planned whole, then carried out whole or not at all.

Ten thousand rows are no reason to hold up others: what only computes runs in a worker thread, what reads and writes
goes a portion at a time.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar
from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations import profiles
from services.matching.organisations.domains import holders, prove, write_imported
from services.matching.organisations.import_rows import MOST_ERRORS, Row, wrong
from services.matching.organisations.statements import keeping_ids
from services.matching.tables import Organisation
from shared.contracts.matching import DomainUse
from shared.database import uuid7
from shared.normal_forms import checked_number
from shared.problems import FieldError, Invalid, Problem

What = Literal["created", "updated", "unchanged", "kept"]
Each = TypeVar("Each")

PORTION = 100


class ImportedMeanwhile(Problem):
    """Two imports at once gave the same key, or a parent went while a unit was written."""

    status, slug, title = 409, "imported-meanwhile", "Another change came between"


@dataclass(frozen=True, slots=True)
class Step:
    """What becomes of a row; `changes` of an organisation that was there.

    A profile that its own people have taken over is `kept` as it is, and so is one that another was merged into, where
    the row is about that other.
    """

    row: Row
    organisation_id: UUID
    parent: UUID | None
    what: What
    changes: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class _There:
    """An organisation that is there already, as far as the rows speak of it."""

    id: UUID
    import_key: str | None
    parent: UUID | None
    merged_into: UUID | None


@dataclass(frozen=True, slots=True)
class _Known:
    """The rows by key, what is there by import key and by id, and all that are above others, there or in the rows.

    What was merged is what it goes on as.
    """

    rows: Mapping[str, Row]
    by_key: Mapping[str, _There]
    by_id: Mapping[UUID, _There]
    above: frozenset[UUID]


async def plan(session: AsyncSession, rows: Sequence[Row], *, locked: bool) -> list[Step]:
    """What an import would do, parents first. Raises Invalid that names every wrong row.

    `locked` keeps what was read as it is until the transaction ends, for a plan that will be carried out.
    """
    known = await _known(session, rows, locked=locked)
    held = await holders(session, [domain for row in rows for domain, _ in row.domains])
    await asyncio.to_thread(_check, rows, known, held)
    ids = {key: known.by_key[key].id if key in known.by_key else uuid7() for key in known.rows}
    steps: list[Step] = []
    for some in _portions(rows):
        mine = await _load(session, [there.id for row in some if row.key and (there := known.by_key.get(row.key))])
        steps += await asyncio.to_thread(_steps, some, mine, known, ids)
    return sorted(steps, key=lambda step: step.row.is_unit)


def _portions(many: Sequence[Each]) -> Iterator[Sequence[Each]]:
    return (many[at : at + PORTION] for at in range(0, len(many), PORTION))


async def _known(session: AsyncSession, rows: Sequence[Row], *, locked: bool) -> _Known:
    found: dict[UUID, _There] = {}
    units: set[UUID | None] = set()
    # By id, as everybody locks who locks several.
    for some in _portions(sorted(await _spoken_of(session, rows))):
        chosen = select(Organisation.id, Organisation.import_key, Organisation.parent, Organisation.merged_into)
        chosen = chosen.where(col(Organisation.id).in_(some)).order_by(col(Organisation.id))
        there = await session.exec(chosen.with_for_update(key_share=True) if locked else chosen)
        found |= {each[0]: _There(*each) for each in there}
        units |= set(await session.exec(select(Organisation.parent).where(col(Organisation.parent).in_(some))))
    now = {each.id: _now(each, found) for each in found.values()}
    return _Known(
        {row.key: row for row in rows if row.key},
        {each.import_key: now[each.id] for each in found.values() if each.import_key},
        now,
        frozenset(now[each].id for each in units | {row.parent for row in rows} if each in now),
    )


async def _spoken_of(session: AsyncSession, rows: Sequence[Row]) -> set[UUID]:
    """The ids of all that the rows name by key or id, and of what those were merged into."""
    keys = {key for row in rows for key in (row.key, row.parent_key) if key}
    ids = {row.parent for row in rows if row.parent}
    for some in _portions(sorted(keys)):
        ids |= set(await session.exec(select(Organisation.id).where(col(Organisation.import_key).in_(some))))
    for portion in _portions(sorted(ids)):
        chosen = select(Organisation.merged_into).where(col(Organisation.id).in_(portion))
        ids |= {each for each in await session.exec(chosen) if each}
    return ids


def _now(there: _There, found: Mapping[UUID, _There]) -> _There:
    if there.merged_into is None:
        return there
    if there.merged_into not in found:
        raise ImportedMeanwhile("Two organisations were merged just now. Send it again.")
    return found[there.merged_into]


async def _load(session: AsyncSession, ids: Sequence[UUID]) -> dict[UUID, Organisation]:
    if not ids:
        return {}
    found = await session.exec(select(Organisation).where(col(Organisation.id).in_(ids)))
    return {each.id: each for each in found}


def _check(rows: Sequence[Row], known: _Known, held: Mapping[str, UUID]) -> None:
    errors = [error for row in rows for error in _errors(row, known)] + _twice(rows) + _taken(rows, known, held)
    if errors:
        raise Invalid(*errors[:MOST_ERRORS])


def _twice(rows: Sequence[Row]) -> list[FieldError]:
    seen: dict[str, Row] = {}
    errors = []
    for row in rows:
        if row.key and row.key in seen:
            errors.append(wrong(row, "key", f"the same key as line {seen[row.key].line}"))
        elif row.key:
            seen[row.key] = row
    return errors


def _taken(rows: Sequence[Row], known: _Known, held: Mapping[str, UUID]) -> list[FieldError]:
    """One holder a domain, here and there: units share their parent's without naming it."""
    errors, named = [], dict[str, Row]()
    for row in rows:
        own = there.id if (there := known.by_key.get(row.key or "")) else None
        for domain in sorted({domain for domain, _ in row.domains}):
            if domain in named:
                errors.append(wrong(row, "mail_domains", f"{domain} is line {named[domain].line}'s"))
            elif held.get(domain, own) != own:
                errors.append(wrong(row, "mail_domains", f"another organisation holds {domain}"))
            named.setdefault(domain, row)
    return errors


def _errors(row: Row, known: _Known) -> list[FieldError]:
    errors = []
    try:
        checked_number(row.cvr, row.country, "/cvr")
    except Invalid as invalid:
        errors.append(wrong(row, "cvr", invalid.extras["errors"][0]["detail"]))
    if row.is_unit:
        errors += _parent_errors(row, known)
    return errors


def _parent_errors(row: Row, known: _Known) -> list[FieldError]:
    there = known.by_key.get(row.key or "")
    if row.parent_key and row.parent:
        return [wrong(row, "parent", "give either parent or parent_key")]
    if there and there.import_key == row.key and there.id in known.above:
        return [wrong(row, "parent_key" if row.parent_key else "parent", "it has units, so it is no unit itself")]
    if row.parent_key:
        return _key_errors(row, row.parent_key, known)
    above = known.by_id.get(row.parent) if row.parent else None
    if above is None or above.parent is not None:
        return [wrong(row, "parent", "no such organisation that could be a parent")]
    return []


def _key_errors(row: Row, key: str, known: _Known) -> list[FieldError]:
    above, there = known.rows.get(key), known.by_key.get(key)
    if above is None and there is None:
        return [wrong(row, "parent_key", "no organisation has this key, here or from an earlier import")]
    if key == row.key or (above.is_unit if above else there and there.parent):
        return [wrong(row, "parent_key", "a parent has no parent itself")]
    return []


def _steps(
    rows: Sequence[Row], there: Mapping[UUID, Organisation], known: _Known, ids: Mapping[str, UUID]
) -> list[Step]:
    return [_step(row, there, known, ids) for row in rows]


def _step(row: Row, there: Mapping[UUID, Organisation], known: _Known, ids: Mapping[str, UUID]) -> Step:
    parent = known.by_id[row.parent].id if row.parent else None
    if row.parent_key:
        parent = ids.get(row.parent_key) or known.by_key[row.parent_key].id
    identity = ids[row.key] if row.key else uuid7()
    mine = there.get(identity)
    if mine is None:
        return Step(row, identity, parent, "created")
    if mine.claimed or mine.import_key != row.key:
        return Step(row, identity, parent, "kept")
    fields = row.changes() | ({"parent": str(parent)} if parent else {})
    changes = {name: value for name, value in _replacing(fields, mine).items() if not _same(mine, name, value)}
    more = row.domains - {(each["domain"], each["use"]) for each in mine.proven_domains}
    return Step(row, identity, parent, "updated" if changes or more else "unchanged", changes)


def _replacing(fields: Mapping[str, Any], there: Organisation) -> dict[str, Any]:
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
        return there.cvr == checked_number(value, there.country, "/cvr")
    held = getattr(there, name)
    return bool((str(held) if isinstance(held, UUID) else held) == value)


async def carry_out(session: AsyncSession, steps: Sequence[Step]) -> None:
    """Writes what was planned, locked, in the same transaction."""
    created = [step for step in steps if step.what == "created"]
    updated = [step for step in steps if step.what == "updated"]
    try:
        for some in _portions(created):
            await profiles.create_all(session, await asyncio.to_thread(_made, some))
            await write_imported(session, [proven for step in some for proven in _proven(step)])
        for some in _portions(updated):
            await _prove(session, some)
            await profiles.change_all(session, [(step.organisation_id, step.changes or {}) for step in some])
    except IntegrityError as crossed:
        raise ImportedMeanwhile("Nothing was imported. Send it again.") from crossed


async def _prove(session: AsyncSession, steps: Sequence[Step]) -> None:
    """Told with the change that follows."""
    there = await _load(session, [step.organisation_id for step in steps])
    for step in steps:
        for domain, use in sorted(step.row.domains):
            await prove(session, there[step.organisation_id], domain, [use], "import")


def _made(steps: Sequence[Step]) -> list[Organisation]:
    return [_new(step) for step in steps]


def _new(step: Step) -> Organisation:
    fields = step.row.whole()
    # The ids of another source's offers and needs mean nothing here.
    without_ids = {name: [{**each, "id": None} for each in fields[name]] for name in ("offers", "needs")}
    organisation = profiles.new({**fields, **without_ids}, published=fields["published"])
    organisation.id, organisation.import_key, organisation.parent = step.organisation_id, step.row.key, step.parent
    organisation.imported, organisation.cvr_proven = True, organisation.cvr is not None
    organisation.proven_domains = [{"domain": domain, "use": use} for _, domain, use in _proven(step)]
    return organisation


def _proven(step: Step) -> list[tuple[UUID, str, DomainUse]]:
    """What an import says of domains is so."""
    return [(step.organisation_id, domain, use) for domain, use in sorted(step.row.domains)]
