"""Preferences: what a contact wants to hear of, and by which channel. What must be told is told whatever they say."""

from collections.abc import Iterable, Mapping
from typing import Literal, get_args
from uuid import UUID

import sqlmodel
from sqlalchemy import bindparam, select
from sqlmodel import col, delete
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.contacts import Person, contact_of, learn
from services.notify.letters.letter import Letter, Topic
from services.notify.tables import Contact, Declined, table_of
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.database import insert_for
from shared.fields import Language, same_address
from shared.problems import NotAllowed

Choosable = Literal["suggestions", "organising"]
Fixed = Literal["registrations", "events", "introductions", "links"]
Channel = Literal["inbox", "mail"]
CHOOSABLE: tuple[Choosable, ...] = get_args(Choosable)
FIXED: tuple[Fixed, ...] = get_args(Fixed)
CHANNELS: tuple[Channel, ...] = get_args(Channel)

# Every other letter is about what the person did, goes to, or is asked by somebody who waits for the answer.
ABOUT: Mapping[str, Choosable] = {
    "suggestions_found": "suggestions",
    "organiser_registration": "organising",
    "organiser_cancellation": "organising",
}

Choices = Mapping[Choosable, Mapping[Channel, bool]]
_declined = table_of(Declined)
_of_contacts = select(_declined.c.contact_id, _declined.c.topic, _declined.c.channel).where(
    _declined.c.contact_id.in_(bindparam("contacts", expanding=True))
)


class Wanted:
    """By which channels the contacts of some letters want them."""

    def __init__(self, declined: Iterable[tuple[UUID, str, str]]) -> None:
        self._declined = frozenset(declined)

    def by(self, channel: Channel, contact_id: UUID, topic: Topic) -> bool:
        return (contact_id, ABOUT.get(topic), channel) not in self._declined


async def wanted(session: AsyncSession, letters: Iterable[Letter], contacts: Iterable[UUID]) -> Wanted:
    """Reads nothing for letters that must be told."""
    if not any(letter.topic in ABOUT for letter in letters):
        return Wanted(())
    found = await (await session.connection()).execute(_of_contacts, {"contacts": list(contacts)})
    return Wanted((contact_id, topic, channel) for contact_id, topic, channel in found)


async def choices_of(session: AsyncSession, contact: Contact | None) -> Choices:
    """All on for who has chosen nothing."""
    declined: set[tuple[str, str]] = set()
    if contact is not None:
        mine = sqlmodel.select(Declined).where(Declined.contact_id == contact.id)
        declined = {(each.topic, each.channel) for each in await session.exec(mine)}
    return {topic: {channel: (topic, channel) not in declined for channel in CHANNELS} for topic in CHOOSABLE}


async def choose(session: AsyncSession, caller: Caller, language: Language, choices: Choices) -> Contact:
    """Keeps what a contact chose; who is not known yet is from now on."""
    contact = await contact_of(session, caller) or await _new_contact(session, caller)
    # Of two at once the later one holds whole.
    await session.refresh(contact, with_for_update=True)
    contact.chosen_language = language
    session.add(contact)
    declined = [
        (topic, channel) for topic, channels in choices.items() for channel, wants in channels.items() if not wants
    ]
    await session.exec(delete(Declined).where(col(Declined.contact_id) == contact.id))
    await _decline(session, contact.id, declined)
    return contact


async def _new_contact(session: AsyncSession, caller: Caller) -> Contact:
    if caller.email is None:
        raise NotAllowed("The token names no e-mail address, so there is nobody whose preferences these are.")
    met = await learn(session, [Person(caller.email, caller.name)])
    return await session.get_one(Contact, met[same_address(caller.email)].id)


async def _decline(session: AsyncSession, contact_id: UUID, declined: Iterable[tuple[Choosable, Channel]]) -> None:
    rows = [{"contact_id": contact_id, "topic": topic, "channel": channel} for topic, channel in declined]
    if rows:
        connection = await session.connection()
        await connection.execute(insert_for(connection)(_declined).on_conflict_do_nothing(), rows)


async def unsubscribing(session: AsyncSession, caller: Caller) -> Contact:
    """Whose mails an unsubscribe link stops. One of an old mail goes on working: it can do no harm."""
    link = caller.link
    caller.require(link is not None and link.purpose is Purpose.UNSUBSCRIBE)
    contact = await session.get(Contact, link.id) if link is not None else None
    caller.require(contact is not None)
    assert contact is not None
    return contact


async def unsubscribe(session: AsyncSession, caller: Caller) -> Contact:
    """No more mails about suggestions; they still come into the inbox. Twice is once."""
    contact = await unsubscribing(session, caller)
    await _decline(session, contact.id, [("suggestions", "mail")])
    return contact
