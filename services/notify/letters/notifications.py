"""Notifications and their deliveries, written in a few statements: letter by letter, or to a whole roll at once."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    Table,
    bindparam,
    case,
    exists,
    func,
    literal,
    literal_column,
    select,
    union_all,
)
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.contacts import Known, learn
from services.notify.letters.letter import Letter, Topic
from services.notify.letters.made_ids import MadeId, now_in_hex
from services.notify.letters.preferences import CHANNELS, wanted
from services.notify.letters.wording import ShownEvent, inbox_line
from services.notify.tables import (
    ACTIVE,
    Contact,
    Delivery,
    Event,
    Notification,
    Registration,
    RollEntry,
    table_of,
)
from shared.contracts.message import Language
from shared.database import INSERTS, uuid7
from shared.fields import same_address, utc_now

LANGUAGES: tuple[Language, ...] = ("da", "en")
_notifications, _deliveries = table_of(Notification), table_of(Delivery)
_contacts, _registrations, _roll = table_of(Contact), table_of(Registration), table_of(RollEntry)
_reads = func.coalesce(_contacts.c.chosen_language, _contacts.c.language)


def language_of(name: str) -> Language:
    return "en" if name == "en" else "da"


async def write_letters(
    session: AsyncSession, message_id: UUID, letters: Sequence[Letter], event: Event | None = None
) -> None:
    """One notification for each letter, a delivery for each that is mailed; what is there already stays as it is."""
    if not letters:
        return
    met = await learn(session, [letter.to for letter in letters])
    contacts = [met[same_address(letter.to.email)] for letter in letters]
    wants = await wanted(session, letters, (contact.id for contact in contacts))
    rows, mailed = [], []
    for letter, contact in zip(letters, contacts, strict=True):
        in_inbox, by_mail = (wants.by(channel, contact.id, letter.topic) for channel in CHANNELS)
        in_inbox = in_inbox and letter.in_inbox
        if in_inbox or by_mail:
            rows.append(_row(message_id, letter, contact, event) | {"in_inbox": in_inbox})
            mailed += [rows[-1]["id"]] if by_mail and letter.by_mail else []
    if not rows:
        return
    connection = await session.connection()
    await connection.execute(_NOTIFY[connection.dialect.name], rows)
    if mailed:
        await connection.execute(_MAIL_IDS[connection.dialect.name], {"ids": mailed, **_now()})


def _row(message_id: UUID, letter: Letter, contact: Known, event: Event | None) -> dict[str, Any]:
    language = language_of(contact.chosen_language or letter.to.language or contact.language)
    line = inbox_line(letter.topic, language, letter.facts, ShownEvent.of(event, None, language) if event else None)
    return {
        "id": uuid7(),
        "message_id": message_id,
        "contact_id": contact.id,
        "topic": letter.topic,
        "language": language,
        "subject": line.subject,
        "text": line.text,
        "event_id": letter.event_id,
        "registration_id": letter.registration_id,
        "about_id": letter.about_id,
        "opens": letter.opens.what if letter.opens else None,
        "opens_id": letter.opens.id if letter.opens else None,
        "opens_version": letter.opens.version if letter.opens else None,
        "facts": letter.facts,
        "created_at": utc_now(),
    }


def _now() -> dict[str, Any]:
    return {"now": utc_now(), "made_at": now_in_hex(), "history": []}


def _unless_there(table: Table, columns: Sequence[str] = (), chosen: Select[Any] | None = None) -> dict[str, Any]:
    """An insert for each dialect that leaves alone what is there already."""
    made: dict[str, Any] = {}
    for name, insert in INSERTS.items():
        statement = insert(table)
        if chosen is not None:
            statement = statement.from_select(columns, chosen, include_defaults=False)
        made[name] = statement.on_conflict_do_nothing()
    return made


_NOTIFY = _unless_there(_notifications)


def _delivering(where: ColumnElement[bool]) -> dict[str, Any]:
    """Queues a mail for the notifications that `where` finds."""
    now = bindparam("now", type_=_deliveries.c.due_at.type)
    chosen = select(
        MadeId(),
        _notifications.c.id,
        literal_column("'mail'"),
        literal_column("'queued'"),
        now,
        literal_column("0"),
        bindparam("history", type_=_deliveries.c.history.type),
        now,
    ).where(where)
    columns = ("id", "notification_id", "channel", "status", "due_at", "attempts", "history", "created_at")
    return _unless_there(_deliveries, columns, chosen)


_MAIL_IDS = _delivering(_notifications.c.id.in_(bindparam("ids", expanding=True)))
_MAIL_MESSAGE = _delivering(
    (_notifications.c.message_id == bindparam("message")) & (_notifications.c.topic == bindparam("about"))
)


async def write_to_roll(
    session: AsyncSession, message_id: UUID, topic: Topic, event: Event, facts: dict[str, Any]
) -> None:
    """Tells everybody on the event's roll, contact persons and attendees: one INSERT … SELECT, one for mails."""
    values: dict[str, Any] = {"message": message_id, "about": topic, "event": event.id, "facts": facts, **_now()}
    for language in LANGUAGES:
        line = inbox_line(topic, language, facts, ShownEvent.of(event, None, language))
        values |= {f"subject_{language}": line.subject, f"text_{language}": line.text}
    connection = await session.connection()
    await connection.execute(_TO_ROLL[connection.dialect.name], values)
    await connection.execute(_MAIL_MESSAGE[connection.dialect.name], values)


def _recipients() -> Any:
    """Everybody with an active seat at the event, and who answers for one; a contact may come more than once."""
    held = exists().where(_roll.c.registration_id == _registrations.c.id, _roll.c.status.in_(ACTIVE))
    at_event = bindparam("event", type_=_roll.c.event_id.type)
    persons = select(
        _registrations.c.contact_id,
        literal(1, Integer).label("place"),
        literal("registration", String).label("opens"),
        _registrations.c.id.label("opens_id"),
        _registrations.c.link_version.label("opens_version"),
    ).where(_registrations.c.event_id == at_event, held)
    attendees = select(
        _roll.c.contact_id,
        literal(2, Integer),
        literal("attendee", String),
        _roll.c.attendee_id,
        _roll.c.link_version,
    ).where(_roll.c.event_id == at_event, _roll.c.status.in_(ACTIVE), _roll.c.contact_id.is_not(None))
    return union_all(persons, attendees).subquery("recipients")


def _in_their_language(name: str) -> Any:
    words = {language: bindparam(f"{name}_{language}", type_=String) for language in LANGUAGES}
    return case((_reads == "en", words["en"]), else_=words["da"])


def _to_roll() -> Select[Any]:
    recipients = _recipients()
    return (
        select(
            MadeId(),
            bindparam("message", type_=_notifications.c.message_id.type),
            recipients.c.contact_id,
            bindparam("about", type_=String),
            _reads,
            _in_their_language("subject"),
            _in_their_language("text"),
            bindparam("event", type_=_roll.c.event_id.type),
            recipients.c.opens,
            recipients.c.opens_id,
            recipients.c.opens_version,
            bindparam("facts", type_=_notifications.c.facts.type),
            bindparam("now", type_=_notifications.c.created_at.type),
        )
        .join_from(recipients, _contacts, _contacts.c.id == recipients.c.contact_id)
        # The first of a contact's places is the one that stays: who answers for others is led to all of them.
        .order_by(recipients.c.contact_id, recipients.c.place)
    )


_TO_ROLL = _unless_there(
    _notifications,
    (
        *("id", "message_id", "contact_id", "topic", "language", "subject", "text", "event_id"),
        *("opens", "opens_id", "opens_version", "facts", "created_at"),
    ),
    _to_roll(),
)
