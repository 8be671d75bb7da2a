"""Check-ins: what came to a door and what the door was told. Two doors at one instant make one check-in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.door.tickets import read_code
from services.events.tables import Attendee, Base, CheckIn, Event, Organisation, Registration, ReplacedCode
from shared.access.links import ticket_hash
from shared.contracts.events import AttendeeCheckedIn, AttendeeCheckedOut
from shared.database import insert_for, uuid7
from shared.fields import Language, utc_now
from shared.messaging.outbox import tell
from shared.problems import NotFound, WrongStatus

Result = Literal[
    "checked_in",
    "already_checked_in",
    "checked_out",
    "unknown_code",
    "replaced",
    "cancelled",
    "not_confirmed",
    "wrong_event",
    "event_cancelled",
    "too_early",
]

Movement = type[AttendeeCheckedIn] | type[AttendeeCheckedOut]

MESSAGES: dict[Result, dict[Language, str]] = {
    "checked_in": {"da": "Velkommen! Du er tjekket ind", "en": "Welcome, checked in"},
    "already_checked_in": {"da": "Er allerede tjekket ind", "en": "Already checked in"},
    "checked_out": {"da": "Tjekket ud", "en": "Checked out"},
    "unknown_code": {"da": "Ukendt billet", "en": "Unknown ticket"},
    "replaced": {
        "da": "Pladsen er overdraget; kun den nye billet gælder",
        "en": "The seat was handed over; only the new ticket counts",
    },
    "cancelled": {"da": "Deltageren er afmeldt", "en": "This attendee has cancelled"},
    "not_confirmed": {"da": "Har ikke en bekræftet plads", "en": "Has no confirmed seat"},
    "wrong_event": {"da": "Billetten er til et andet arrangement", "en": "This ticket is for another event"},
    "event_cancelled": {"da": "Arrangementet er aflyst", "en": "The event is cancelled"},
    "too_early": {"da": "Dørene er ikke åbnet endnu", "en": "The doors are not open yet"},
}


@dataclass(frozen=True, slots=True)
class Scan:
    """What a door sends. `nonce` is the device's own number of the scan: sent again, the same answer comes again."""

    nonce: str
    device: str
    code: str | None = None
    attendee: UUID | None = None
    time: datetime = field(default_factory=utc_now)
    door: str | None = None
    direction: Literal["in", "out"] = "in"
    name: str | None = None
    language: Language = "da"


async def check_in(session: AsyncSession, event: Event, scan: Scan) -> dict[str, Any]:
    """Decides one scan and keeps it, refused or not. The answer is the same for the same nonce."""
    record_id = await _claim_nonce(session, event, scan)
    if record_id is None:
        earlier = select(CheckIn).where(CheckIn.event_id == event.id, CheckIn.nonce == scan.nonce)
        return (await session.exec(earlier)).one().answer
    attendee = await _find(session, scan)
    result = _refusal(event, attendee, scan) or _move(session, _sure(attendee), scan)
    if result == "unknown_code" and await _was_handed_over(session, scan):
        result = "replaced"
    shown = attendee if attendee is not None and attendee.event_id == event.id else None
    answer = await _answer(session, event, result, shown, scan)
    await _keep(session, record_id, result, shown, answer)
    return answer


def _sure(attendee: Attendee | None) -> Attendee:
    assert attendee is not None
    return attendee


async def _claim_nonce(session: AsyncSession, event: Event, scan: Scan) -> UUID | None:
    """The id of the new record, or None when this nonce came before: a second sender waits for the first's commit."""
    connection = await session.connection()
    record = {
        "id": uuid7(), "event_id": event.id, "nonce": scan.nonce, "device": scan.device, "door": scan.door,
        "direction": scan.direction, "at": scan.time, "result": "", "answer": {}, "recorded_at": utc_now(),
    }  # fmt: skip
    table = Base.metadata.tables["check_ins"]
    statement = insert_for(connection)(table).values(record).on_conflict_do_nothing().returning(table.c.id)
    claimed: UUID | None = (await connection.execute(statement)).scalar()
    return claimed


async def _find(session: AsyncSession, scan: Scan) -> Attendee | None:
    """The attendee of the code or id. Locked: another door, or a cancellation, waits."""
    statement = select(Attendee).with_for_update()
    if scan.attendee is not None:
        return (await session.exec(statement.where(Attendee.id == scan.attendee))).first()
    return (await session.exec(statement.where(Attendee.code_hash == ticket_hash(read_code(scan.code or ""))))).first()


async def _was_handed_over(session: AsyncSession, scan: Scan) -> bool:
    return scan.code is not None and await session.get(ReplacedCode, ticket_hash(read_code(scan.code))) is not None


def _refusal(event: Event, attendee: Attendee | None, scan: Scan) -> Result | None:
    if attendee is None:
        return "unknown_code"
    if attendee.event_id != event.id:
        return "wrong_event"
    if event.status == "cancelled":
        return "event_cancelled"
    if attendee.status == "cancelled":
        return "cancelled"
    if attendee.status != "confirmed":
        return "not_confirmed"
    if event.doors_open_at is not None and scan.time < event.doors_open_at:
        return "too_early"
    return None


def _move(session: AsyncSession, attendee: Attendee, scan: Scan) -> Result:
    """In or out. The row is locked, so the second of two doors finds it done."""
    if scan.direction == "out":
        if attendee.inside:
            attendee.inside = False
            _tell(session, attendee, AttendeeCheckedOut, scan.time, scan.door)
        return "checked_out"
    if attendee.inside:
        return "already_checked_in"
    attendee.inside = True
    attendee.name = attendee.name or scan.name
    if attendee.checked_in_at is None:
        attendee.checked_in_at, attendee.checked_in_door = scan.time, scan.door
    _tell(session, attendee, AttendeeCheckedIn, scan.time, scan.door)
    return "checked_in"


def _tell(
    session: AsyncSession,
    attendee: Attendee,
    fact: Movement,
    at: datetime,
    door: str | None,
) -> None:
    attendee.check_in_version += 1
    attendee.updated_at = utc_now()
    session.add(attendee)
    tell(session, movement(fact, attendee, at, door))


def movement(
    fact: Movement, attendee: Attendee, at: datetime, door: str | None
) -> AttendeeCheckedIn | AttendeeCheckedOut:
    """The message of an attendee's coming or going, at its present version."""
    return fact(
        version=attendee.check_in_version,
        attendee_id=attendee.id,
        registration_id=attendee.registration_id,
        event_id=attendee.event_id,
        at=at,
        door=door,
    )


async def _answer(
    session: AsyncSession, event: Event, result: Result, attendee: Attendee | None, scan: Scan
) -> dict[str, Any]:
    await session.flush()
    return {
        "result": result,
        "message": MESSAGES[result][scan.language],
        "attendee": await _for_the_door(session, attendee) if attendee else None,
        "first_check_in": _first(attendee),
        "counts": await count(session, event.id),
    }


def _first(attendee: Attendee | None) -> dict[str, Any] | None:
    if attendee is None or attendee.checked_in_at is None:
        return None
    return {"at": attendee.checked_in_at.isoformat(), "door": attendee.checked_in_door}


async def _for_the_door(session: AsyncSession, attendee: Attendee) -> dict[str, Any]:
    """What a volunteer may see of an attendee: no address, no answers."""
    statement = (
        select(Organisation.name, Registration.stated)
        .select_from(Registration)
        .outerjoin(Organisation, col(Registration.organisation_id) == Organisation.id)
        .where(Registration.id == attendee.registration_id)
    )
    proven, said = (await session.exec(statement)).one()
    return {
        "id": str(attendee.id),
        "name": attendee.name,
        "organisation": proven or (said or {}).get("name"),
        "recognised": "proven" if proven else "stated" if said else None,
        "ticket_type": attendee.ticket_type,
        "note": None,
    }


async def count(session: AsyncSession, event_id: UUID) -> dict[str, int]:
    """How many are expected, were checked in, and are inside now."""
    confirmed = col(Attendee.status) == "confirmed"
    statement = select(
        func.count().filter(confirmed),
        func.count().filter(confirmed & col(Attendee.checked_in_at).is_not(None)),
        func.count().filter(confirmed & col(Attendee.inside)),
    ).where(Attendee.event_id == event_id)
    expected, checked_in, inside = (await session.exec(statement)).one()
    return {"expected": expected, "checked_in": checked_in, "inside": inside}


async def _keep(
    session: AsyncSession, record_id: UUID, result: Result, attendee: Attendee | None, answer: dict[str, Any]
) -> None:
    record = await session.get_one(CheckIn, record_id)
    record.result, record.answer = result, answer
    record.attendee_id = attendee.id if attendee else None
    session.add(record)


async def list_check_ins(session: AsyncSession, event: Event, before: UUID | None, limit: int) -> Sequence[CheckIn]:
    """The newest first, refused scans too."""
    statement = select(CheckIn).where(CheckIn.event_id == event.id).order_by(col(CheckIn.id).desc()).limit(limit)
    if before is not None:
        statement = statement.where(CheckIn.id < before)
    return (await session.exec(statement)).all()


async def undo(session: AsyncSession, event: Event, check_in_id: UUID) -> CheckIn:
    """Takes a check-in back; its record stays, marked. Doing it again changes nothing."""
    record = await session.get(CheckIn, check_in_id, with_for_update=True)
    if record is None or record.event_id != event.id:
        raise NotFound("There is no such check-in at this event.")
    if record.result != "checked_in":
        raise WrongStatus(f"This scan ended as {record.result}; only a check-in can be taken back.")
    if record.undone_at is None and record.attendee_id is not None:
        attendee = (
            await session.exec(select(Attendee).where(Attendee.id == record.attendee_id).with_for_update())
        ).one()
        record.undone_at = utc_now()
        session.add(record)
        await _count_again(session, attendee)
    return record


async def _count_again(session: AsyncSession, attendee: Attendee) -> None:
    """What the check-ins and check-outs that stand say of the attendee."""
    statement = (
        select(CheckIn)
        .where(
            CheckIn.attendee_id == attendee.id,
            col(CheckIn.undone_at).is_(None),
            col(CheckIn.result).in_(("checked_in", "checked_out")),
        )
        .order_by(col(CheckIn.id))
    )
    kept = (await session.exec(statement)).all()
    first = next((each for each in kept if each.result == "checked_in"), None)
    attendee.checked_in_at, attendee.checked_in_door = (first.at, first.door) if first else (None, None)
    attendee.inside = first is not None and kept[-1].result == "checked_in"
    if first is not None and attendee.inside:
        _tell(session, attendee, AttendeeCheckedIn, first.at, first.door)
    else:
        _tell(session, attendee, AttendeeCheckedOut, utc_now(), None)
