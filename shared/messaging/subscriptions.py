"""Listening: every message is handled once in effect, however often and in whatever order it comes."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import delete, func, select
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.contracts.message import Envelope, Message
from shared.database import insert_for
from shared.messaging.bus import stream_of
from shared.messaging.tables import copied_versions, dead_letters, handled_messages
from shared.settings import ServiceName
from shared.telemetry import Origin, set_origin

_AT_HAND = "message at hand"

Handler = Callable[[AsyncSession, Any], Awaitable[None]]


class NotItsOwn(Exception):
    """A message says to be of a type that is not its subject, or of another than who may publish there."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A message as the bus gave it: what the server let its publisher write, and what it says."""

    stream: str
    subject: str
    envelope: bytes

    def read(self) -> Envelope:
        """Raises NotItsOwn for one that is not what its place says: only the place is known to be its owner's."""
        said, owner = Envelope.model_validate_json(self.envelope), self.subject.split(".", 1)[0]
        if (said.type, said.source, self.stream) != (self.subject, f"/{owner}", stream_of(owner)):
            raise NotItsOwn(f"type and source are not those of {self.subject} in {self.stream}")
        return said


@dataclass(frozen=True, slots=True)
class _Listening:
    handler: Handler
    contract: type[Message]
    copies: bool


class Subscriptions:
    """What a service listens to. A *copy* keeps another's facts and ignores older versions; a *fact* is done once."""

    def __init__(self, service: ServiceName) -> None:
        self.service: ServiceName = service
        self._by_type: dict[str, list[_Listening]] = defaultdict(list)

    def copy(self, *contracts: type[Message]) -> Callable[[Handler], Handler]:
        """The handler runs only for a version newer than or equal to the last one copied."""
        return self._add(contracts, copies=True)

    def fact(self, *contracts: type[Message]) -> Callable[[Handler], Handler]:
        """The handler runs once for each message, whatever its version."""
        return self._add(contracts, copies=False)

    def _add(self, contracts: Sequence[type[Message]], *, copies: bool) -> Callable[[Handler], Handler]:
        def register(handler: Handler) -> Handler:
            for contract in contracts:
                self._by_type[contract.type].append(_Listening(handler, contract, copies))
            return handler

        return register

    @property
    def streams(self) -> list[str]:
        return sorted({stream_of(message_type.split(".", 1)[0]) for message_type in self._by_type})

    async def handle(self, session: AsyncSession, heard: Sequence[Heard]) -> None:
        """Handles a batch in the session's transaction, leaving out what was handled before."""
        read = [each.read() for each in heard]
        new = await _not_yet_handled(session, [envelope.id for envelope in read])
        for envelope in read:
            if envelope.id in new:
                new.discard(envelope.id)
                await self._dispatch(session, envelope)

    async def _dispatch(self, session: AsyncSession, envelope: Envelope) -> None:
        set_origin(Origin(envelope.correlationid, envelope.traceparent))
        session.info[_AT_HAND] = envelope.id
        for listening in self._by_type.get(envelope.type, ()):
            message = listening.contract.model_validate(envelope.data)
            if not listening.copies or await _is_news(session, message):
                await listening.handler(session, message)


def message_at_hand(session: AsyncSession) -> UUID:
    """The id of the message that is being handled in this transaction; what is made of it can be unique by it."""
    identity: UUID = session.info[_AT_HAND]
    return identity


async def _not_yet_handled(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    connection = await session.connection()
    now = datetime.now(UTC)
    # In one order everywhere, so that two processes with the same messages cannot wait for each other.
    rows = [{"message_id": message_id, "handled_at": now} for message_id in sorted(set(ids))]
    statement = (
        insert_for(connection)(handled_messages).on_conflict_do_nothing().returning(handled_messages.c.message_id)
    )
    return set((await connection.execute(statement, rows)).scalars())


async def _is_news(session: AsyncSession, message: Message) -> bool:
    connection = await session.connection()
    kind = message.aggregate.removesuffix("_id")
    statement = insert_for(connection)(copied_versions).values(
        kind=kind, aggregate_id=message.aggregate_id, version=message.version
    )
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "aggregate_id"],
        set_={"version": statement.excluded.version},
        where=copied_versions.c.version <= statement.excluded.version,
    ).returning(copied_versions.c.version)
    return (await connection.execute(statement)).scalar() is not None


def describe(failed: BaseException) -> str:
    """Type and place of what is wrong; a validation error's values are left out, they may be personal."""
    if isinstance(failed, ValidationError):
        places = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in failed.errors()[:5]]
        return storable("; ".join(places))[:500]
    return storable(f"{type(failed).__name__}: {failed}")[:500]


def storable(said: str) -> str:
    """PostgreSQL takes no NUL and no half of a surrogate pair; a message that has one must not be lost for it."""
    return said.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


async def dead_letter_count(session: AsyncSession) -> int:
    statement = select(func.count()).select_from(dead_letters)
    return int((await (await session.connection()).execute(statement)).scalar_one())


async def replay(session: AsyncSession, subscriptions: Subscriptions, stream: str, stream_seq: int) -> bool:
    """Handles a dead letter now, in this transaction; False when there is none at that place.

    Raises whatever the handler raises: then the letter stays.
    """
    connection = await session.connection()
    row = (
        await connection.execute(
            delete(dead_letters)
            .where(dead_letters.c.stream == stream, dead_letters.c.stream_seq == stream_seq)
            .returning(dead_letters.c.stream, dead_letters.c.type, dead_letters.c.envelope)
        )
    ).first()
    if row is None:
        return False
    await subscriptions.handle(session, [Heard(row.stream, row.type, row.envelope.encode())])
    return True
