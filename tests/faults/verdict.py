"""What the answers promised, compared with what is there: nothing lost, nothing twice, nobody oversold or overtaken."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Literal
from uuid import UUID

from services.events.tables import HOLDING
from shared.messaging.topology import LISTENERS
from tests.faults.letters import CREATED, OF_ORGANISERS, due
from tests.faults.line import History, Moved, Room, Told, Wish
from tests.faults.records import Message, Records
from tests.faults.witness import WITNESS
from tests.faults.writers import Taken

Kind = Literal["lost", "twice", "oversold", "overtaken", "dead", "stuck"]
KINDS: tuple[Kind, ...] = ("lost", "twice", "oversold", "overtaken", "dead", "stuck")
Fault = tuple[Kind, str]


def faults_in(records: Records, taken: Sequence[Taken]) -> list[Fault]:
    """Everything that is not as it must be, in words."""
    checks = (_witnessed(records), _effects(records), _strangers(records))
    return [*faults_without_witness(records, taken), *(fault for check in checks for fault in check)]


def faults_without_witness(records: Records, taken: Sequence[Taken]) -> list[Fault]:
    """Where only the services listened, and profiles may be there of which no sign-up told."""
    checks = (
        _registrations(records, taken),
        _attendees(records, taken),
        _told(records),
        _handled(records),
        _letters(records),
        _mails(records),
        _copies(records),
        _profiles(records),
        _recount(records),
        _lines(records),
        _buried(records),
    )
    return [fault for check in checks for fault in check]


def registration_messages(records: Records) -> list[Message]:
    return [message for message in records.told["events"] if message.type.startswith("events.registration.")]


# --- what was answered is there ----------------------------------------------------------------------------------


def _registrations(records: Records, taken: Sequence[Taken]) -> Iterator[Fault]:
    for each in taken:
        row = records.registrations.get(each.id)
        if row is None or row.reference != each.answer["reference"]:
            yield "lost", f"registration {each.id} was answered with 201 and is not there"
    for unknown in records.registrations.keys() - {each.id for each in taken}:
        yield "twice", f"registration {unknown} is there, but nobody was told so"


def _attendees(records: Records, taken: Sequence[Taken]) -> Iterator[Fault]:
    there: dict[UUID, set[UUID]] = defaultdict(set)
    for row in records.attendees.values():
        there[row.registration_id].add(row.id)
    for each in taken:
        if there[each.id] != set(each.attendees):
            yield "lost", f"registration {each.id} has other attendees than its answer said"
            continue
        for attendee, email in each.emails.items():
            row = records.attendees[attendee]
            if row.email != email:
                yield "lost", f"attendee {attendee} was named {email} and is {row.email}"
            if (row.status == "cancelled") != (attendee in each.cancelled):
                yield "lost", f"attendee {attendee} is {row.status}; cancelled: {attendee in each.cancelled}"
            if row.code_version - 1 != each.hand_overs.get(attendee, 0):
                yield "twice", f"attendee {attendee} was handed over {row.code_version - 1} times"


# --- what was told was heard -------------------------------------------------------------------------------------


def _told(records: Records) -> Iterator[Fault]:
    """One message for each version of a registration, and all of them published."""
    versions: dict[UUID, list[int]] = defaultdict(list)
    for message in registration_messages(records):
        versions[UUID(message.data["registration_id"])].append(message.data["version"])
    for row in records.registrations.values():
        found = sorted(versions[row.id])
        if missing := set(range(1, row.version + 1)) - set(found):
            yield "lost", f"registration {row.id} never told its versions {sorted(missing)}"
        if len(found) > row.version:
            yield "twice", f"registration {row.id} is at version {row.version} and told {found}"
    for service, told in records.told.items():
        for message in told:
            if not message.published:
                yield "stuck", f"{service} never published {message.type} {message.id}"


def _handled(records: Records) -> Iterator[Fault]:
    for teller, listeners in LISTENERS.items():
        for listener in listeners:
            yield from _unhandled(records, teller, listener)


def _witnessed(records: Records) -> Iterator[Fault]:
    for teller in LISTENERS:
        yield from _unhandled(records, teller, WITNESS)
    told = {message.id for messages in records.told.values() for message in messages}
    for unknown in records.handled[WITNESS] - told:
        yield "lost", f"message {unknown} was heard, but is in no outbox"


def _unhandled(records: Records, teller: str, listener: str) -> Iterator[Fault]:
    for missing in {message.id for message in records.told[teller]} - records.handled[listener]:
        yield "lost", f"{listener} never handled {missing} of {teller}"


def _effects(records: Records) -> Iterator[Fault]:
    told = {message.id for teller in LISTENERS for message in records.told[teller]}
    for message in told:
        if (times := records.effects[message]) != 1:
            yield ("twice" if times else "lost"), f"message {message} had its effect {times} times"


def _letters(records: Records) -> Iterator[Fault]:
    """One confirmation a registration; of each message one letter and one mail to everybody whom it concerns."""
    confirmed = Counter(
        (row.registration_id, row.email) for row in records.notifications if row.topic == "registration_created"
    )
    for row in records.registrations.values():
        yield from _once(confirmed[(row.id, row.contact_email)], f"confirmation of {row.id} in the inbox")
    written = Counter((row.message_id, row.email) for row in _to_those_concerned(records))
    delivered = _delivered(records)
    for message in registration_messages(records):
        for email, mails in due(message).items():
            about = (message.id, email)
            yield from _once(written.pop(about, 0), f"letter to {email} about {message.type} {message.id}")
            if delivered[about] != mails:
                found = f"{delivered[about]} times, {mails} due"
                kind: Kind = "lost" if delivered[about] < mails else "twice"
                yield kind, f"mail to {email} about {message.type} {message.id}: {found}"
    told = {message.id for message in registration_messages(records)}
    for message_id, email in written:
        if message_id in told:
            yield "twice", f"letter to {email} about {message_id}, which does not concern them"


def _to_those_concerned(records: Records) -> list[Any]:
    return [row for row in records.notifications if not row.topic.startswith(OF_ORGANISERS)]


def _delivered(records: Records) -> Counter[tuple[UUID, str]]:
    """By message and address: how many deliveries were handed over."""
    about = {row.id: (row.message_id, row.email) for row in _to_those_concerned(records)}
    sent = (row.notification_id for row in records.deliveries if row.status == "sent")
    return Counter(about[notification] for notification in sent if notification in about)


def _once(times: int, what: str) -> Iterator[Fault]:
    if times != 1:
        yield ("twice" if times else "lost"), f"{what}: {times} times"


def _mails(records: Records) -> Iterator[Fault]:
    """Every delivery was mailed; a Message-ID is one delivery's. A mail may come again after a crash, with the same."""
    known = Counter(row.notification_id for row in records.deliveries)
    for notification, times in known.items():
        yield from _once(times, f"delivery of notification {notification}")
    arrived = {message_id.strip("<>").partition("@")[0] for message_id in records.mails}
    if len(arrived) < len(records.mails):
        yield "twice", "a delivery was mailed with two Message-IDs"
    for row in records.deliveries:
        if row.status != "sent":
            yield "stuck", f"delivery {row.id} is {row.status}: {row.last_error}"
        elif str(row.id) not in arrived:
            yield "lost", f"delivery {row.id} is marked sent, and no such mail came"
    for stranger in arrived - {str(row.id) for row in records.deliveries}:
        yield "lost", f"a mail came whose delivery {stranger} is not there"


# --- what others keep is true ------------------------------------------------------------------------------------


def _copies(records: Records) -> Iterator[Fault]:
    for attendee in records.attendees.values():
        kept = records.roll.get(attendee.id)
        if kept is None or kept.status != attendee.status:
            yield "lost", f"attendee {attendee.id} is {attendee.status}; notify has {kept and kept.status}"
    confirmed = Counter(row.registration_id for row in records.attendees.values() if row.status == "confirmed")
    for row in records.registrations.values():
        going = records.going.get(row.id)
        if row.organisation_id and (going.confirmed if going else 0) != confirmed[row.id]:
            yield "lost", f"of registration {row.id} {confirmed[row.id]} are confirmed; matching has {going}"


def _profiles(records: Records) -> Iterator[Fault]:
    """One profile for each organisation that a sign-up made known."""
    for organisation in _made(records) - records.profiles.keys():
        yield "lost", f"organisation {organisation} signed up and has no profile"
    for name, times in Counter(row.name for row in records.profiles.values()).items():
        yield from _once(times, f"profile of {name}")


def _strangers(records: Records) -> Iterator[Fault]:
    for organisation in records.profiles.keys() - _made(records):
        yield "twice", f"profile {organisation} is of nobody who signed up"


def _made(records: Records) -> set[UUID]:
    """The organisations that a sign-up made known."""
    named = [message.data.get("organisation") for message in records.told["events"] if message.type == CREATED]
    return {UUID(each["id"]) for each in named if each}


def _recount(records: Records) -> Iterator[Fault]:
    taken: Counter[tuple[UUID, str]] = Counter()
    for row in records.attendees.values():
        if row.status in HOLDING:
            taken[(row.event_id, "")] += 1
            taken[(row.event_id, row.ticket_type or " ")] += 1
    for quota in records.quotas:
        counted = taken[(quota.event_id, quota.key)]
        if counted != quota.taken or (quota.capacity is not None and counted > quota.capacity):
            found = f"{counted} of {quota.capacity}, noted {quota.taken}"
            yield "oversold", f"quota {quota.key!r} of event {quota.event_id}: {found}"


def _lines(records: Records) -> Iterator[Fault]:
    wishes = _wishes(records)
    for event, messages in _by_event(records).items():
        history = History(_room(records, event), wishes)
        history.play([_history_of(message) for message in messages])
        yield from (("oversold", words) for words in history.oversold)
        yield from (("overtaken", words) for words in history.out_of_order)
        for row in records.attendees.values():
            if row.event_id == event and row.status != history.status.get(row.id):
                yield "lost", f"attendee {row.id} is {row.status}; its messages say {history.status.get(row.id)}"


def _by_event(records: Records) -> dict[UUID, list[Message]]:
    found: dict[UUID, list[Message]] = defaultdict(list)
    for message in registration_messages(records):
        found[UUID(message.data["event_id"])].append(message)
    return found


def _room(records: Records, event: UUID) -> Room:
    of_event = {quota.key: quota.capacity for quota in records.quotas if quota.event_id == event}
    return Room(of_event.pop(""), of_event)


def _wishes(records: Records) -> dict[UUID, Wish]:
    first: dict[UUID, str | None] = {}
    for message in registration_messages(records):
        if message.type == CREATED:
            first |= {UUID(each["id"]): each.get("ticket_type") for each in message.data["attendees"]}
    together = {row.id for row in records.registrations.values() if row.waits_together}
    return {
        row.id: Wish((first.get(row.id), *row.also_accepts), row.registration_id in together)
        for row in records.attendees.values()
    }


def _history_of(message: Message) -> Told:
    types = {each["id"]: each.get("ticket_type") for each in message.data["attendees"]}
    moved = tuple(
        Moved(UUID(each["attendee"]), each.get("from_status"), each["to_status"], types[each["attendee"]])
        for each in message.data.get("changed", ())
    )
    return Told(UUID(message.data["registration_id"]), message.transaction, moved)


# --- what was given up -------------------------------------------------------------------------------------------


def _buried(records: Records) -> Iterator[Fault]:
    for listener, letters in records.dead.items():
        for letter in letters:
            yield "dead", f"{listener} buried {letter.type}: {letter.last_error}"
    for listener, failing in records.failing.items():
        for each in failing:
            yield "stuck", f"{listener} fails at {each.stream} {each.stream_seq}: {each.last_error}"
