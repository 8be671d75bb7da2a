"""All that one mail is written from, read at once: the delivery, what it tells, to whom, and about which event."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlmodel import col, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.tables import (
    ACTIVE,
    Contact,
    Delivery,
    Event,
    Notification,
    Organisation,
    ProfileLink,
    Registration,
    RollEntry,
)
from shared.fields import utc_now

# Told to a whole roll: what each one's seats are is read when the mail is written.
TO_ROLL = ("event_updated", "event_cancelled")


@dataclass(slots=True)
class Holdings:
    """What belongs to a contact, for the mail that brings lost links."""

    registrations: list[tuple[Registration, Event]] = field(default_factory=list)
    seats: list[tuple[RollEntry, Event]] = field(default_factory=list)
    profiles: list[tuple[ProfileLink, str | None]] = field(default_factory=list)


@dataclass(slots=True)
class Parcel:
    delivery: Delivery
    notification: Notification
    contact: Contact
    event: Event | None
    organiser: str | None
    people: list[dict[str, Any]] = field(default_factory=list)
    holdings: Holdings = field(default_factory=Holdings)


async def load(session: AsyncSession, deliveries: Sequence[UUID]) -> list[Parcel]:
    """In the order in which the deliveries were made."""
    # Typed by hand: the library's types end at four columns.
    statement: Any = (
        select(Delivery, Notification, Contact, Event)
        .add_columns(col(Organisation.name))
        .join(Notification, col(Notification.id) == Delivery.notification_id)
        .join(Contact, col(Contact.id) == Notification.contact_id)
        .outerjoin(Event, col(Event.id) == Notification.event_id)
        .outerjoin(Organisation, col(Organisation.id) == Event.organisation_id)
        .where(col(Delivery.id).in_(deliveries))
        .order_by(col(Delivery.id))
    )
    parcels = [Parcel(*row) for row in await session.exec(statement)]
    for parcel in parcels:
        await _fill(session, parcel)
    return parcels


async def _fill(session: AsyncSession, parcel: Parcel) -> None:
    notification = parcel.notification
    if notification.topic == "links":
        parcel.holdings = await holdings_of(session, parcel.contact.id, notification.event_id)
    elif "people" in notification.facts:
        parcel.people = notification.facts["people"]
    elif notification.topic in TO_ROLL and notification.event_id is not None:
        parcel.people = await _seats_of(session, parcel.contact.id, notification.event_id)


async def _seats_of(session: AsyncSession, contact_id: UUID, event_id: UUID) -> list[dict[str, Any]]:
    """The contact's own seats, and those it answers for."""
    answers_for = select(Registration.id).where(
        Registration.event_id == event_id, Registration.contact_id == contact_id
    )
    statement = (
        select(RollEntry)
        .where(
            RollEntry.event_id == event_id,
            col(RollEntry.status).in_(ACTIVE),
            (col(RollEntry.contact_id) == contact_id) | col(RollEntry.registration_id).in_(answers_for),
        )
        .order_by(col(RollEntry.attendee_id))
    )
    wanted = {"name", "status", "position", "code_version", "link_version", "sequence"}
    return [
        {**entry.model_dump(include=wanted), "id": str(entry.attendee_id), "own": entry.contact_id == contact_id}
        for entry in await session.exec(statement)
    ]


async def holdings_of(session: AsyncSession, contact_id: UUID, event_id: UUID | None = None) -> Holdings:
    """Active registrations and seats at events that are not over, and profiles whose link was not replaced since."""
    coming = col(Event.ends_at) > utc_now()
    if event_id is not None:
        coming &= col(Event.id) == event_id
    held = select(RollEntry.registration_id).where(col(RollEntry.status).in_(ACTIVE))
    registrations = (
        select(Registration, Event)
        .join(Event, col(Event.id) == Registration.event_id)
        .where(Registration.contact_id == contact_id, col(Registration.id).in_(held), coming)
        .order_by(col(Event.starts_at), col(Registration.id))
    )
    seats = (
        select(RollEntry, Event)
        .join(Event, col(Event.id) == RollEntry.event_id)
        .where(RollEntry.contact_id == contact_id, col(RollEntry.status).in_(ACTIVE), coming)
        .order_by(col(Event.starts_at), col(RollEntry.attendee_id))
    )
    return Holdings(
        list((await session.exec(registrations)).all()),
        list((await session.exec(seats)).all()),
        [] if event_id is not None else await _profiles_of(session, contact_id),
    )


async def _profiles_of(session: AsyncSession, contact_id: UUID) -> list[tuple[ProfileLink, str | None]]:
    newest = (
        select(ProfileLink.organisation_id, func.max(ProfileLink.link_version).label("version"))
        .group_by(col(ProfileLink.organisation_id))
        .subquery()
    )
    statement = (
        select(ProfileLink, Organisation.name)
        .join(newest, newest.c.organisation_id == ProfileLink.organisation_id)
        .outerjoin(Organisation, col(Organisation.id) == ProfileLink.organisation_id)
        .where(ProfileLink.contact_id == contact_id, ProfileLink.link_version == newest.c.version)
    )
    return [(link, name) for link, name in (await session.exec(statement)).all()]
