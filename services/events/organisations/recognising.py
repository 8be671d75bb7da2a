"""Recognising the organisation that signs up, by what is proven alone, and our copy of what matching says of each.

What a sign-up says of its organisation is a statement: kept and shown as written, counted for nobody. It counts once
the contact person's address is confirmed and belongs there, or one who may say so has. A name is no identity, and a
number that anybody can look up is none either: they say which organisation is meant, and who belongs to it decides.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, or_
from sqlalchemy import select as select_columns
from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.tables import Base, MailDomain, Member, Organisation
from shared.access.caller import Caller
from shared.contracts.matching import MemberFacts, OrganisationFacts, ProvenDomain
from shared.database import insert_for, padded, uuid7
from shared.domains import own_domain
from shared.fields import same_address
from shared.normal_forms import same_name
from shared.problems import Problem

organisations = Base.metadata.tables["organisations"]


class UnknownOrganisation(Problem):
    status, slug, title = 409, "unknown-organisation", "No organisation has this id"


@dataclass(frozen=True, slots=True)
class NamedOrganisation:
    """An organisation as a sign-up names it. Who it is said to be by `id` is no more proven than a name."""

    id: UUID | None = None
    name: str | None = None
    kind: str | None = None
    cvr: str | None = None
    country: str = "DK"
    website: str | None = None
    unit: str | None = None

    def stored(self) -> dict[str, Any]:
        return {name: str(value) if name == "id" else value for name, value in asdict(self).items() if value}

    @classmethod
    def of(cls, stored: dict[str, Any] | None) -> "NamedOrganisation":
        said = stored or {}
        return cls(**{**said, "id": UUID(said["id"]) if "id" in said else None})


@dataclass(frozen=True, slots=True)
class SignedUpFor:
    """What a sign-up is for: an organisation that it counts for, or, while that is only `stated`, its words.

    The id of what is stated is its own: the one it gets if nobody else is meant.
    """

    id: UUID
    name: str
    kind: str | None
    stated: NamedOrganisation = field(default_factory=NamedOrganisation)
    counts: bool = False
    cvr: str | None = None
    country: str = "DK"
    website: str | None = None


async def read_named(
    session: AsyncSession, named: Sequence[tuple[NamedOrganisation, Caller, bool]]
) -> list[SignedUpFor | UnknownOrganisation]:
    """What each names, by whom; True for who may say so of others. Nothing is made, and nobody unpublished is named."""
    ids = [each.id for each, _, _ in named if each.id]
    known = await _load_now(session, ids) if ids else {}
    return [_read(each, known.get(each.id) if each.id else None, caller, may) for each, caller, may in named]


def _read(
    named: NamedOrganisation, known: Organisation | None, caller: Caller, may_say: bool
) -> SignedUpFor | UnknownOrganisation:
    # A token that names the one merged acts for what it goes on as, also when that was heard of only now.
    belongs = known is not None and (caller.belongs_to(known.id) or caller.belongs_to(named.id))
    if known is not None and (belongs or (may_say and known.published)):
        return counting(known, named)
    if known is not None and known.published:
        return SignedUpFor(uuid7(), named.name or known.name, named.kind, replace(named, name=named.name or known.name))
    if named.name is None:
        return UnknownOrganisation("Leave `id` out and give `name`, and `cvr` or `website` if it has one.")
    return SignedUpFor(uuid7(), named.name, named.kind, named)


def counting(row: Organisation, named: NamedOrganisation) -> SignedUpFor:
    return SignedUpFor(row.id, row.name, row.kind, named, True, row.cvr, row.country, row.website)


@dataclass(frozen=True, slots=True)
class Around:
    """The organisations that a statement may mean, and to which of them the contact person's address belongs."""

    known: dict[UUID, Organisation]
    belongs_to: frozenset[UUID]


async def around(session: AsyncSession, named: NamedOrganisation, email: str) -> Around:
    """All held, so that a merge waits and re-points what is written."""
    address, domain = same_address(email), own_domain(email)
    members = select(Member.organisation_id).where(col(Member.email_key) == address)
    belongs = set(await session.exec(members))
    if domain is not None:
        held = await session.get(MailDomain, domain)
        belongs |= {held.organisation_id} if held is not None else set()
    conditions = [organisations.c.maker_key == address]
    if belongs:
        conditions += [organisations.c.id.in_(belongs), organisations.c.parent.in_(belongs)]
    if named.id:
        conditions.append(organisations.c.id == named.id)
    if named.cvr:
        conditions.append((organisations.c.cvr == named.cvr) & (organisations.c.country == named.country))
    found = await _load(session, or_(*conditions))
    known = {each.id: each for each in (_now(row, found) for row in found.values())}
    its = {_now(row, found).id for row in found.values() if row.id in belongs or row.maker_key == address}
    units = {each.id for each in known.values() if each.parent in belongs}
    return Around(known, frozenset(its | units))


def counts_for(named: NamedOrganisation, there: Around) -> Organisation | None:
    """The one that the contact person belongs to and means: a unit before what it is a unit of."""
    meant = [each for each in there.known.values() if each.id in there.belongs_to and _means(named, each)]
    return min(meant, key=lambda each: (not _is_unit(named, each), each.parent is None, each.id), default=None)


def meant(named: NamedOrganisation, there: Around) -> Organisation | None:
    """The known one that the statement is about, whoever makes it: named by id, or by its proven number."""
    about = [each for each in there.known.values() if each.id == named.id or _has_number(named, each)]
    return about[0] if len(about) == 1 else None


def _means(named: NamedOrganisation, row: Organisation) -> bool:
    if named.cvr and row.cvr and (named.country, named.cvr) != (row.country, row.cvr):
        # Whatever else agrees.
        return False
    by_name = named.name is not None and same_name(named.name) == row.name_form
    return by_name or named.id == row.id or _is_unit(named, row) or _has_number(named, row)


def _is_unit(named: NamedOrganisation, row: Organisation) -> bool:
    return row.parent is not None and named.unit is not None and same_name(named.unit) == row.name_form


def _has_number(named: NamedOrganisation, row: Organisation) -> bool:
    return row.cvr_proven and row.parent is None and (named.country, named.cvr) == (row.country, row.cvr)


def newcomer(identity: UUID, named: NamedOrganisation, maker: str) -> Organisation:
    """One that nobody knew: its maker's, whose address is confirmed."""
    assert named.name is not None
    return Organisation(
        id=identity,
        name=named.name,
        name_form=same_name(named.name),
        kind=named.kind,
        cvr=named.cvr,
        country=named.country,
        website=named.website,
        maker_key=same_address(maker),
    )


async def _load_now(session: AsyncSession, ids: Collection[UUID]) -> dict[UUID, Organisation]:
    """By the id each was looked for by, the row it goes on as."""
    found = await _load(session, organisations.c.id.in_(padded(ids)))
    return {each.id: _now(each, found) for each in found.values()}


async def _load(session: AsyncSession, condition: ColumnElement[bool]) -> dict[UUID, Organisation]:
    """With what those found were merged into."""
    found = {each.id: each for each in await _hold(session, condition)}
    while elsewhere := {each.merged_into for each in found.values() if each.merged_into} - set(found):
        more = await _hold(session, organisations.c.id.in_(elsewhere))
        if not more:
            break
        found |= {each.id: each for each in more}
    return found


def _now(row: Organisation, found: dict[UUID, Organisation]) -> Organisation:
    while row.merged_into in found:
        row = found[row.merged_into]
    return row


async def _hold(session: AsyncSession, condition: ColumnElement[bool]) -> Iterable[Organisation]:
    """Read so that a merge waits for us, and re-points what we write; only `merging.keep` takes the lock that waits."""
    statement = select(Organisation).where(condition).with_for_update(read=True, key_share=True)
    return (await session.exec(statement.execution_options(populate_existing=True))).all()


async def hold_now(session: AsyncSession, organisation_id: UUID) -> UUID:
    """The id that an organisation goes on by, held so; its own where we have not heard of it."""
    row = (await _load_now(session, [organisation_id])).get(organisation_id)
    return row.id if row else organisation_id


def id_now(organisation_id: UUID) -> ColumnElement[UUID]:
    """The same as SQL, for filters by an id."""
    merged_into = (
        select_columns(organisations.c.merged_into).where(organisations.c.id == organisation_id).scalar_subquery()
    )
    return func.coalesce(merged_into, literal(organisation_id, organisations.c.id.type))


async def ids_now(session: AsyncSession, ids: frozenset[UUID]) -> frozenset[UUID]:
    """The ids that organisations go on by: for which ones a token that names these acts."""
    merged = select_columns(organisations.c.id, organisations.c.merged_into).where(
        organisations.c.id.in_(ids), organisations.c.merged_into.is_not(None)
    )
    into = {row.id: row.merged_into for row in await (await session.connection()).execute(merged)}
    return frozenset(into.get(each, each) for each in ids)


async def keep_copy(session: AsyncSession, facts: OrganisationFacts) -> None:
    """Our row as matching tells it, and where its people write from."""
    row = await session.get(Organisation, facts.organisation_id) or Organisation(
        id=facts.organisation_id, name=facts.name
    )
    row.name, row.kind, row.cvr, row.country = facts.name, facts.kind, facts.cvr, facts.country
    row.website, row.parent, row.published = facts.website, facts.parent, facts.published
    row.name_form, row.cvr_proven = same_name(facts.name), bool(facts.cvr_proven)
    session.add(row)
    await session.flush()
    if facts.domains is not None:
        await _keep_domains(session, row, facts.domains)


async def _keep_domains(session: AsyncSession, row: Organisation, proven: Sequence[ProvenDomain]) -> None:
    """Whoever was told last holds a domain."""
    await session.exec(delete(MailDomain).where(col(MailDomain.organisation_id) == row.id))
    connection = await session.connection()
    for domain in {each.domain for each in proven if each.use == "mail"}:
        held = insert_for(connection)(MailDomain).values(domain=domain, organisation_id=row.id)
        newest = held.on_conflict_do_update(index_elements=["domain"], set_={"organisation_id": row.id})
        await connection.execute(newest)


async def keep_member(session: AsyncSession, facts: MemberFacts, *, gone: bool) -> None:
    """Who belongs to an organisation: whoever has a member's address and has confirmed it."""
    row = await session.get(Member, facts.member_id)
    if gone:
        if row is not None:
            await session.delete(row)
        return
    row = row or Member(id=facts.member_id, organisation_id=facts.organisation_id, email_key="")
    row.organisation_id, row.email_key = facts.organisation_id, same_address(facts.email)
    session.add(row)
