"""Forgetting an organisation that was erased: its letters go; others' letters lose what they say of its people."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.leaving import partners
from services.notify.letters.letter import TOPICS, Letter
from services.notify.letters.notifications import language_of
from services.notify.letters.wording import inbox_line
from services.notify.tables import Delivery, ErasedOrganisation, Notification, Organisation, ProfileLink
from shared.contracts.matching import OrganisationErased
from shared.contracts.message import Counted
from shared.contracts.notify import NotifyErasedOrganisation
from shared.database import insert_for
from shared.fields import utc_now
from shared.messaging.outbox import tell

# What a letter about another organisation says of it and its people, and how it reads without.
_SAID_OF_IT: dict[str, Any] = {"contacts": [], "message": None, "summary": None, "explanation": None, "proposal": None}


async def forget(session: AsyncSession, told: OrganisationErased) -> None:
    """Erases what is the organisation's own, and tells what that was."""
    organisation_id = told.organisation_id
    connection = await session.connection()
    remembered = insert_for(connection)(ErasedOrganisation).values(id=organisation_id, erased_at=utc_now())
    await connection.execute(remembered.on_conflict_do_nothing())
    people = await _people_of(session, organisation_id)
    own = select(Notification.id).where(Notification.opens == "profile", Notification.opens_id == organisation_id)
    erased = {
        "deliveries": await _delete(session, Delivery, col(Delivery.notification_id).in_(own)),
        "letters": await _delete(session, Notification, col(Notification.id).in_(own)),
        "mails to others about it": await _withdraw(session, organisation_id),
        "names in letters about new partners": await partners.take_out(session, organisation_id),
        "profile links": await _delete(session, ProfileLink, col(ProfileLink.organisation_id) == organisation_id),
        "copies of the organisation": await _delete(session, Organisation, col(Organisation.id) == organisation_id),
    }
    kept = {
        "letters to others": (await _silence(session, organisation_id), "they are theirs; they name it and no person"),
        "contacts": (people, "an inbox belongs to a person, not to an organisation"),
    }
    answer = NotifyErasedOrganisation(
        organisation_id=organisation_id,
        version=told.version,
        erasure_id=told.erasure_id,
        erased=tuple(Counted(what=what, count=count) for what, count in erased.items() if count),
        kept=tuple(Counted(what=what, count=count, why=why) for what, (count, why) in kept.items() if count),
        at=utc_now(),
    )
    tell(session, answer)


async def _people_of(session: AsyncSession, organisation_id: UUID) -> int:
    """Contacts that were written to for the organisation."""
    linked = select(ProfileLink.contact_id).where(ProfileLink.organisation_id == organisation_id)
    mine = (Notification.opens == "profile", Notification.opens_id == organisation_id)
    written = select(Notification.contact_id).where(*mine)
    return len({*await session.exec(linked), *await session.exec(written)})


async def _delete(session: AsyncSession, kind: type[Any], condition: Any) -> int:
    done: Any = await session.exec(delete(kind).where(condition))
    return int(done.rowcount)


async def _withdraw(session: AsyncSession, organisation_id: UUID) -> int:
    """Mails that have not left."""
    about = select(Notification.id).where(Notification.about_id == organisation_id)
    return await _delete(session, Delivery, col(Delivery.notification_id).in_(about) & (Delivery.status == "queued"))


async def _silence(session: AsyncSession, organisation_id: UUID) -> int:
    found = (await session.exec(select(Notification).where(Notification.about_id == organisation_id))).all()
    for each in found:
        each.facts = {**each.facts, **_SAID_OF_IT}
        topic = next(topic for topic in TOPICS if topic == each.topic)
        line = inbox_line(topic, language_of(each.language), each.facts, None)
        each.subject, each.text = line.subject, line.text
        session.add(each)
    return len(found)


async def are_erased(session: AsyncSession, ids: Collection[UUID]) -> set[UUID]:
    """Those of them that were erased."""
    if not ids:
        return set()
    found = await session.exec(select(ErasedOrganisation.id).where(col(ErasedOrganisation.id).in_(ids)))
    return set(found)


async def without_erased(session: AsyncSession, letters: Sequence[Letter]) -> list[Letter]:
    """The letters but for those to, or about, organisations that were erased: told before, and come late."""
    gone = await are_erased(session, {each for letter in letters for each in _organisations_in(letter)})
    return [letter for letter in letters if not gone & _organisations_in(letter)] if gone else list(letters)


def _organisations_in(letter: Letter) -> set[UUID]:
    opened = {letter.opens.id} if letter.opens and letter.opens.what == "profile" else set()
    return opened | ({letter.about_id} if letter.about_id else set())
