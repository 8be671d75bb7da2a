"""Contacts, learnt from messages: one for each e-mail address, found again by its lower-case form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

import sqlmodel
from sqlalchemy import bindparam, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.tables import Contact, table_of
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.contracts.message import Language
from shared.database import insert_for, uuid7
from shared.fields import same_address, utc_now

_MET = "contacts met"
_contacts = table_of(Contact)
_known = (_contacts.c.id, _contacts.c.email, _contacts.c.name, _contacts.c.language, _contacts.c.chosen_language)
_by_email = select(*_known).where(_contacts.c.email.in_(bindparam("emails", expanding=True)))


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody a message names. `by_itself`: the person gave these words, by a token or a link mailed to it, so they
    replace what we had. Anybody else's stay in the one letter they came with."""

    email: str
    name: str | None = None
    language: Language | None = None
    by_itself: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """A contact as this transaction knows it."""

    id: UUID
    email: str
    name: str | None
    language: str
    chosen_language: str | None


async def learn(session: AsyncSession, people: Iterable[Person]) -> dict[str, Known]:
    """The contact of each person, by lower-case e-mail; made where there was none."""
    named: dict[str, Person] = {}
    for person in people:
        key = same_address(person.email)
        if key not in named or person.by_itself:
            named[key] = person
    met: dict[str, Known] = session.info.setdefault(_MET, {})
    await _meet(session, met, [email for email in named if email not in met])
    # In one order everywhere, so that two processes cannot wait for each other.
    changed = [row for email in sorted(named) if (row := _row(named[email], email, met.get(email)))]
    if changed:
        await _write(session, met, changed)
    return {email: met[email] for email in named}


def remember(session: AsyncSession, contact: Contact) -> Person:
    """A contact that was read otherwise, so that `learn` need not read it again."""
    met: dict[str, Known] = session.info.setdefault(_MET, {})
    known = Known(contact.id, contact.email, contact.name, contact.language, contact.chosen_language)
    met.setdefault(contact.email, known)
    return Person(contact.email, contact.name)


async def _meet(session: AsyncSession, met: dict[str, Known], emails: Sequence[str]) -> None:
    if emails:
        found = await (await session.connection()).execute(_by_email, {"emails": emails})
        met.update((row.email, Known(*row)) for row in found)


def _row(person: Person, email: str, known: Known | None) -> dict[str, Any] | None:
    """What to write for this person, or None when all of it is known."""
    if known is None:
        heard = {"id": uuid7(), "name": person.name, "language": person.language or "da"}
    else:
        heard = {
            "id": known.id,
            "name": person.name if person.name and (person.by_itself or not known.name) else known.name,
            "language": person.language if person.language and person.by_itself else known.language,
        }
        if (heard["name"], heard["language"]) == (known.name, known.language):
            return None
    return {**heard, "email": email, "link_version": 1, "created_at": utc_now()}


async def _write(session: AsyncSession, met: dict[str, Known], rows: list[dict[str, Any]]) -> None:
    connection = await session.connection()
    written = await connection.execute(_writing(insert_for(connection)), rows)
    met.update((row.email, Known(*row)) for row in written)


@lru_cache
def _writing(insert: Any) -> Any:
    statement = insert(_contacts)
    return statement.on_conflict_do_update(
        index_elements=["email"],
        set_={"name": statement.excluded.name, "language": statement.excluded.language},
    ).returning(*_known)


async def contact_of(session: AsyncSession, caller: Caller) -> Contact | None:
    """Whose inbox the caller may open: by the link, or by the JWT's verified e-mail; None when nobody is known by that.

    Raises NotFound for a link that opens something else, LinkExpired for a revoked one.
    """
    if caller.link is not None:
        caller.require(caller.link.purpose is Purpose.CONTACT)
        contact = await session.get(Contact, caller.link.id)
        caller.require(contact is not None)
        assert contact is not None
        caller.link.check(contact.link_version)
        return contact
    # The key of another system is nobody's.
    caller.require(caller.email is not None)
    assert caller.email is not None
    return await find(session, caller.email)


async def find(session: AsyncSession, email: str) -> Contact | None:
    """The contact of an address, however it is written."""
    return (await session.exec(sqlmodel.select(Contact).where(Contact.email == same_address(email)))).one_or_none()
