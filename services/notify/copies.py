"""What notify keeps of the other services' facts: events, organisations, registrations, the roll of attendees."""

from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlmodel
from sqlalchemy import Table, func, select, update
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.contacts import Known, Person, learn, remember
from services.notify.tables import (
    Contact,
    Event,
    Organisation,
    ProfileLink,
    Registration,
    RollEntry,
    table_of,
)
from shared.contracts.events import CheckInFacts, EventCancelled, EventFacts, RegistrationCreated, RegistrationFacts
from shared.contracts.matching import MemberRemoved, OrganisationFacts, OrganisationMerged, ProfileLinkRequested
from shared.database import insert_for
from shared.fields import same_address

_EVENT = "event"
_events, _organisations = table_of(Event), table_of(Organisation)
_registrations, _roll, _profile_links = table_of(Registration), table_of(RollEntry), table_of(ProfileLink)


class NotHeardOfYet(LookupError):
    """A message speaks of what an earlier one must tell first: it is handled again later, and at last a dead letter."""


async def _put(session: AsyncSession, table: Table, rows: list[dict[str, Any]], *, keep: tuple[str, ...] = ()) -> None:
    """Inserts rows that have the same columns, or replaces all but the primary key and `keep`."""
    connection = await session.connection()
    await connection.execute(_putting(insert_for(connection), table, tuple(rows[0]), keep), rows)


@lru_cache
def _putting(insert: Any, table: Table, columns: tuple[str, ...], keep: tuple[str, ...]) -> Any:
    statement = insert(table)
    key = [column.name for column in table.primary_key]
    new = {name: statement.excluded[name] for name in columns if name not in key and name not in keep}
    return statement.on_conflict_do_update(index_elements=key, set_=new)


async def keep_event(session: AsyncSession, told: EventFacts) -> None:
    contact = told.contact
    organiser: Known | None = None
    if contact is not None:
        people = [Person(contact.email, contact.name, contact.language)]
        organiser = (await learn(session, people))[same_address(contact.email)]
    row = told.model_dump(mode="json", include={"title", "venue"})
    row |= told.model_dump(include=_EVENT_COLUMNS)
    row |= {"id": told.event_id, "contact_id": organiser.id if organiser else None}
    row["organisation_id"] = await hold_now(session, told.organisation_id)
    row["cancel_reason"] = told.reason if isinstance(told, EventCancelled) else None
    row["cancel_reasons"] = dict(told.reasons.items()) if isinstance(told, EventCancelled) and told.reasons else None
    await _put(session, _events, [row])
    session.info.pop((_EVENT, told.event_id), None)


_EVENT_COLUMNS = {
    "version",
    "slug",
    "status",
    "starts_at",
    "ends_at",
    "timezone",
    "online_url",
}


async def keep_organisation(session: AsyncSession, told: OrganisationFacts) -> None:
    row = {"id": told.organisation_id, **told.model_dump(include={"name", "link_version"}, exclude_none=True)}
    await _put(session, _organisations, [row])


async def hold_now(session: AsyncSession, organisation_id: UUID) -> UUID:
    """The id it goes on by, held: a merge waits, and re-points what this transaction writes."""
    merged_into = select(_organisations.c.merged_into).where(_organisations.c.id == organisation_id)
    held = merged_into.with_for_update(read=True, key_share=True)
    return (await (await session.connection()).execute(held)).scalar() or organisation_id


async def ids_now(session: AsyncSession, ids: frozenset[UUID]) -> frozenset[UUID]:
    """The ids that organisations go on by: for which ones a token that names these acts."""
    merged = select(_organisations.c.id, _organisations.c.merged_into).where(
        _organisations.c.id.in_(ids), _organisations.c.merged_into.is_not(None)
    )
    into = {row.id: row.merged_into for row in await (await session.connection()).execute(merged)}
    return frozenset(into.get(each, each) for each in ids)


async def keep_merge(session: AsyncSession, told: OrganisationMerged) -> None:
    """What refers to the one merged, and what was merged into it before, goes on as the other.

    In whatever order merges are told, all end at the last: none is kept as merged into one that is merged itself.
    """
    connection = await session.connection()
    into = await hold_now(session, told.organisation_id)
    await connection.execute(select(_organisations).where(_organisations.c.id == told.merged_id).with_for_update())
    row = {"id": told.merged_id, "name": told.name, "merged_into": into}
    await _put(session, _organisations, [row], keep=("name",))
    for column, value in ((_organisations.c.merged_into, into), (_events.c.organisation_id, into)):
        await connection.execute(update(column.table).where(column == told.merged_id).values({column: value}))
    await _re_point_links(session, told.merged_id, into)


async def _re_point_links(session: AsyncSession, merged: UUID, into: UUID) -> None:
    """Who had the newest link of the one has the other's; older ones were revoked before."""
    connection = await session.connection()
    theirs = _profile_links.c.organisation_id == merged
    newest = select(func.max(_profile_links.c.link_version)).where(theirs).scalar_subquery()
    held = select(_profile_links.c.contact_id).where(theirs, _profile_links.c.link_version == newest)
    contacts = (await connection.execute(held)).scalars().all()
    if contacts:
        version = await _link_version(session, into)
        rows = [{"organisation_id": into, "contact_id": each, "link_version": version} for each in contacts]
        await _put(session, _profile_links, rows)
    await connection.execute(sqlmodel.delete(_profile_links).where(theirs))


async def _link_version(session: AsyncSession, organisation_id: UUID) -> int:
    known = select(_organisations.c.link_version).where(_organisations.c.id == organisation_id)
    return (await (await session.connection()).execute(known)).scalar() or 1


async def keep_registration(session: AsyncSession, told: RegistrationFacts) -> bool:
    """Answers whether another contact person has taken over a registration that we knew."""
    met = await learn(session, people_of(told))
    contact_id = met[same_address(told.contact.email)].id
    before = None if isinstance(told, RegistrationCreated) else await _contact_before(session, told)
    row = told.model_dump(include={"event_id", "reference", "link_version", "version"})
    await _put(session, _registrations, [row | {"id": told.registration_id, "contact_id": contact_id}])
    if told.attendees:
        await _put(session, _roll, _roll_rows(told, met), keep=("checked_in_at",))
    return before is not None and before != contact_id


async def _contact_before(session: AsyncSession, told: RegistrationFacts) -> UUID | None:
    statement = select(_registrations.c.contact_id).where(_registrations.c.id == told.registration_id)
    known: UUID | None = (await (await session.connection()).execute(statement)).scalar()
    return known


def people_of(told: RegistrationFacts) -> list[Person]:
    """Everybody a registration names. Whoever signed up may have typed all of it."""
    contact = told.contact
    attendees = (
        Person(attendee.email, attendee.name, attendee.language or contact.language)
        for attendee in told.attendees
        if attendee.email is not None
    )
    replaced = (
        Person(change.previous_email, change.previous_name, contact.language)
        for change in told.changed
        if change.previous_email is not None
    )
    return [Person(contact.email, contact.name, contact.language, by_itself=told.contact_speaks), *attendees, *replaced]


def _roll_rows(told: RegistrationFacts, met: dict[str, Known]) -> list[dict[str, Any]]:
    return [
        {
            "attendee_id": attendee.id,
            "registration_id": told.registration_id,
            "event_id": told.event_id,
            "contact_id": met[same_address(attendee.email)].id if attendee.email else None,
            **attendee.model_dump(include={"name", "status", "position", "code_version", "link_version", "sequence"}),
        }
        for attendee in told.attendees
    ]


async def keep_check_in(session: AsyncSession, told: CheckInFacts, *, inside: bool) -> None:
    statement = update(_roll).where(_roll.c.attendee_id == told.attendee_id)
    done = await (await session.connection()).execute(statement.values(checked_in_at=told.at if inside else None))
    if not done.rowcount:
        raise NotHeardOfYet(f"attendee {told.attendee_id}")


async def keep_profile_link(session: AsyncSession, told: ProfileLinkRequested) -> None:
    recipient = told.recipient
    met = await learn(session, [Person(recipient.email, recipient.name, recipient.language)])
    organisation_id, version = await hold_now(session, told.organisation_id), told.link_version
    if organisation_id != told.organisation_id:
        version = await _link_version(session, organisation_id)
    contact_id = met[same_address(recipient.email)].id
    row = {"organisation_id": organisation_id, "contact_id": contact_id, "link_version": version}
    await _put(session, _profile_links, [row])


async def forget_profile_link(session: AsyncSession, told: MemberRemoved) -> None:
    """Who left an organisation is no longer mailed the link of its profile."""
    theirs = select(table_of(Contact).c.id).where(table_of(Contact).c.email == same_address(told.email))
    statement = sqlmodel.delete(_profile_links).where(
        _profile_links.c.organisation_id == told.organisation_id, _profile_links.c.contact_id.in_(theirs)
    )
    await (await session.connection()).execute(statement)


async def event_of(session: AsyncSession, event_id: UUID) -> tuple[Event, Person | None]:
    """An event as this transaction knows it, and whom to tell as its organiser; read once."""
    known: tuple[Event, Person | None] | None = session.info.get((_EVENT, event_id))
    if known is None:
        statement = (
            sqlmodel.select(Event, Contact)
            .outerjoin(Contact, col(Contact.id) == Event.contact_id)
            .where(Event.id == event_id)
            # The copy is written beside the session's own objects.
            .execution_options(populate_existing=True)
        )
        found = (await session.exec(statement)).one_or_none()
        if found is None:
            raise NotHeardOfYet(f"event {event_id}")
        event, contact = found
        known = event, remember(session, contact) if contact else None
        session.info[_EVENT, event_id] = known
    return known
