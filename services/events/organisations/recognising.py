"""Recognising the organisation that signs up, and our copy of what matching says of organisations.

One is recognised only by `id`, by (country, CVR), or by a web or mail domain that is no free-mail one, when exactly one
organisation without parent has it. A name is no identity. What was merged into another is recognised as that one.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, literal, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import Base, Organisation
from shared.contracts.matching import OrganisationFacts
from shared.database import INSERTS, padded, uuid7
from shared.domains import own_domain, website_domain
from shared.problems import Problem

organisations = Base.metadata.tables["organisations"]


class UnknownOrganisation(Problem):
    status, slug, title = 409, "unknown-organisation", "No organisation has this id"


@dataclass(frozen=True, slots=True)
class NamedOrganisation:
    """An organisation as a sign-up names it."""

    id: UUID | None = None
    name: str | None = None
    kind: str | None = None
    cvr: str | None = None
    country: str = "DK"
    website: str | None = None
    contact_email: str | None = None

    @property
    def domain(self) -> str | None:
        at_work = own_domain(self.contact_email) if self.contact_email else None
        return website_domain(self.website) or at_work


@dataclass(frozen=True, slots=True)
class Recognised:
    """The organisation a sign-up is for; `new` when this sign-up gave it its id."""

    id: UUID
    name: str
    kind: str | None
    cvr: str | None
    country: str
    website: str | None
    new: bool


async def recognise(
    session: AsyncSession, named: Sequence[NamedOrganisation]
) -> list[Recognised | UnknownOrganisation]:
    """For each named organisation the one we know, or a new one with an id of its own."""
    known = _Known(await _candidates(session, named))
    rows = [known.find_or_make(each) for each in named]
    written = await _write_new(session, known.made)
    if len(written) < len(known.made):
        # Another process named one of them first: its row is there now.
        lost = {row["id"] for row in known.made} - written
        there = _Known(await _candidates(session, named))
        rows = [there.find(each) if row and row["id"] in lost else row for each, row in zip(named, rows, strict=True)]
    return [_answer(row, written) for row in rows]


async def _candidates(session: AsyncSession, named: Iterable[NamedOrganisation]) -> list[dict[str, Any]]:
    sought = (
        (organisations.c.id, [each.id for each in named if each.id]),
        (organisations.c.cvr, [each.cvr for each in named if each.cvr]),
        (organisations.c.domain, [domain for each in named if (domain := each.domain)]),
    )
    # Only what is asked for: an empty list among the alternatives has PostgreSQL read the whole table.
    conditions = [column.in_(padded(values)) for column, values in sought if values]
    rows = await _hold(session, or_(*conditions)) if conditions else []
    while elsewhere := {row["merged_into"] for row in rows if row["merged_into"]} - {row["id"] for row in rows}:
        found = await _hold(session, organisations.c.id.in_(elsewhere))
        if not found:
            break
        rows += found
    return rows


async def _hold(session: AsyncSession, condition: ColumnElement[bool]) -> list[dict[str, Any]]:
    """Read so that a merge waits for us, and re-points what we write; only `merging.keep` takes the lock that waits."""
    statement = select(organisations).where(condition).with_for_update(read=True, key_share=True)
    return [dict(row._mapping) for row in await (await session.connection()).execute(statement)]


async def hold_now(session: AsyncSession, organisation_id: UUID) -> UUID:
    """The id that an organisation goes on by, held so; its own where we have not heard of it."""
    rows = await _candidates(session, [NamedOrganisation(id=organisation_id)])
    row = _Known(rows).find(NamedOrganisation(id=organisation_id))
    return row["id"] if row else organisation_id


def id_now(organisation_id: UUID) -> ColumnElement[UUID]:
    """The same as SQL, for filters by an id."""
    merged_into = select(organisations.c.merged_into).where(organisations.c.id == organisation_id).scalar_subquery()
    return func.coalesce(merged_into, literal(organisation_id, organisations.c.id.type))


async def ids_now(session: AsyncSession, ids: frozenset[UUID]) -> frozenset[UUID]:
    """The ids that organisations go on by: for which ones a token that names these acts."""
    merged = select(organisations.c.id, organisations.c.merged_into).where(
        organisations.c.id.in_(ids), organisations.c.merged_into.is_not(None)
    )
    into = {row.id: row.merged_into for row in await (await session.connection()).execute(merged)}
    return frozenset(into.get(each, each) for each in ids)


# Compiled once: with the rows as VALUES of the statement each batch cost a compilation, a tenth of a sign-up's time.
_introduce = {
    dialect: insert(organisations).on_conflict_do_nothing().returning(organisations.c.id)
    for dialect, insert in INSERTS.items()
}


async def _write_new(session: AsyncSession, rows: list[dict[str, Any]]) -> set[UUID]:
    if not rows:
        return set()
    connection = await session.connection()
    return set((await connection.execute(_introduce[connection.dialect.name], rows)).scalars())


def _answer(row: dict[str, Any] | None, new: set[UUID]) -> Recognised | UnknownOrganisation:
    if row is None:
        return UnknownOrganisation("Leave `id` out and give `name`, and `cvr` or `website` if it has one.")
    return Recognised(
        id=row["id"],
        name=row["name"],
        kind=row["kind"],
        cvr=row["cvr"],
        country=row["country"],
        website=row["website"],
        new=row["id"] in new,
    )


Mark = tuple[str, str, str]


def _marks(country: str, cvr: str | None, domain: str | None) -> list[Mark]:
    """What an organisation is recognised by, the surest first."""
    marks: list[Mark] = []
    if cvr:
        marks.append(("cvr", country, cvr))
    if domain:
        marks.append(("domain", "", domain))
    return marks


class _Known:
    """Organisations at hand, by id and by mark; a mark that several have recognises none of them."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._by_id = {row["id"]: row for row in rows}
        # Which organisations a mark stands for: what was merged hands its marks on.
        self._by_mark: dict[Mark, set[UUID]] = {}
        self.made: list[dict[str, Any]] = []
        for row in rows:
            self._add_marks(row)

    def _add_marks(self, row: dict[str, Any]) -> None:
        now = self._now(row)
        if row["parent"] is None and now["parent"] is None:
            for mark in _marks(row["country"], row["cvr"], row["domain"]):
                self._by_mark.setdefault(mark, set()).add(now["id"])

    def _now(self, row: dict[str, Any]) -> dict[str, Any]:
        """What it goes on as."""
        while row["merged_into"] in self._by_id:
            row = self._by_id[row["merged_into"]]
        return row

    def find(self, named: NamedOrganisation) -> dict[str, Any] | None:
        if named.id is not None:
            row = self._by_id.get(named.id)
            return self._now(row) if row else None
        for mark in _marks(named.country, named.cvr, named.domain):
            ids = self._by_mark.get(mark, set())
            if len(ids) == 1:
                return self._by_id[next(iter(ids))]
        return None

    def find_or_make(self, named: NamedOrganisation) -> dict[str, Any] | None:
        row = self.find(named)
        if row is not None or named.id is not None:
            return row
        marks = _marks(named.country, named.cvr, named.domain)
        sole = {mark[0] for mark in marks if mark not in self._by_mark}
        row = {
            "id": uuid7(),
            "name": named.name,
            "kind": named.kind,
            "cvr": named.cvr,
            "country": named.country,
            "website": named.website,
            "domain": named.domain,
            "parent": None,
            "sole_cvr": "cvr" in sole,
            "sole_domain": "domain" in sole,
            "merged_into": None,
        }
        self._by_id[row["id"]] = row
        self._add_marks(row)
        self.made.append(row)
        return row


async def forget(session: AsyncSession, ids: Collection[UUID]) -> None:
    """Takes organisations back that this transaction made."""
    if ids:
        await (await session.connection()).execute(delete(organisations).where(organisations.c.id.in_(ids)))


async def keep_copy(session: AsyncSession, facts: OrganisationFacts) -> None:
    """Our row as matching tells it; a mark that another row already stands for stays that row's."""
    row = await session.get(Organisation, facts.organisation_id) or Organisation(
        id=facts.organisation_id, name=facts.name
    )
    row.name, row.kind, row.cvr, row.country = facts.name, facts.kind, facts.cvr, facts.country
    row.website, row.parent = facts.website, facts.parent
    row.domain = website_domain(facts.website) or row.domain
    await stand_for_marks(session, row)


async def stand_for_marks(session: AsyncSession, row: Organisation) -> None:
    """Makes it the one that is recognised by its number and domain, unless it is a unit, merged, or another is."""
    alone = row.parent is None and row.merged_into is None
    row.sole_cvr = alone and row.cvr is not None and not await _taken(session, row, cvr=row.cvr, country=row.country)
    row.sole_domain = alone and row.domain is not None and not await _taken(session, row, domain=row.domain)
    session.add(row)


async def _taken(session: AsyncSession, row: Organisation, **mark: str) -> bool:
    sole = f"sole_{next(iter(mark))}"
    statement = (
        select(organisations.c.id).filter_by(**mark, **{sole: True}).where(organisations.c.id != row.id).limit(1)
    )
    return (await (await session.connection()).execute(statement)).first() is not None
