"""The services, broken on purpose: positive controls, which the verdict must find guilty.

`SABOTAGE` names what is broken. Run as a module it is the witness, broken the same way.
"""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import nats.errors
import nats.js.errors
from fastapi import FastAPI
from nats.aio.msg import Msg
from sqlmodel.ext.asyncio.session import AsyncSession

from shared.database import insert_for, take_marked
from shared.messaging import outbox, subscriptions
from shared.messaging.bus import Bus
from shared.messaging.listener import Listener, log
from shared.messaging.subscriptions import Heard, Subscriptions, describe
from shared.messaging.tables import handled_messages
from tests.faults import witness

OUTBOX_OFF = "outbox off"
HANDLED_CHECK_OFF = "handled-check off"
ACKNOWLEDGED_FIRST = "acknowledgement before commit"
TICKETS_OFF = "no letters to attendees"
# No sabotage, and no control: only the gaps before or after the commit are wide, so that kills fall into them.
LATE_ACKNOWLEDGEMENT = "late acknowledgement"
LATE_COMMIT = "late commit"
# Seconds that such a gap is open here.
LATE = 0.3


def create_events_app() -> FastAPI:
    from services.events.app import create_app

    return _broken(create_app())


def create_matching_app() -> FastAPI:
    from services.matching.app import create_app

    return _broken(create_app())


def create_notify_app() -> FastAPI:
    from services.notify.app import create_app

    return _broken(create_app())


def _broken(app: FastAPI) -> FastAPI:
    if os.environ["SABOTAGE"] == OUTBOX_OFF:
        _publish_without_outbox(app)
    else:
        break_listening()
    return app


def break_listening() -> None:
    what = os.environ["SABOTAGE"]
    if what in (HANDLED_CHECK_OFF, LATE_ACKNOWLEDGEMENT):
        _replace(Listener, "_handle_together", _handle_together_and_dawdle(Listener._handle_together))
    if what == LATE_COMMIT:
        _replace(Subscriptions, "handle", _handle_and_dawdle(Subscriptions.handle))
    if what == HANDLED_CHECK_OFF:
        _replace(subscriptions, "_not_yet_handled", _all_are_new)
    if what == TICKETS_OFF:
        from services.notify.letters import registrations

        _replace(registrations, "_to_attendees", lambda _: [])
        _replace(registrations, "_to_changed_attendees", lambda _: [])
    if what == ACKNOWLEDGED_FIRST:
        _replace(Listener, "_handle", _acknowledge_first)


def _replace(owner: object, name: str, by: object) -> None:
    """The part must be there: a sabotage of nothing would be no control."""
    assert callable(getattr(owner, name))
    setattr(owner, name, by)


def _publish_without_outbox(app: FastAPI) -> None:
    """Commit, then publish, with no row in between: what most systems do that have no outbox."""
    database, bus = app.state.database, app.state.bus
    told: list[Any] = []
    tasks: set[asyncio.Task[None]] = set()

    async def collect(session: AsyncSession) -> None:
        told.extend(take_marked(session, outbox._TOLD))

    def publish_all() -> None:
        while told:
            task = asyncio.ensure_future(_publish(bus, told.pop(0)))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    database.before_commit[:] = [collect if hook is outbox.write_outbox else hook for hook in database.before_commit]
    database.after_commit.append(publish_all)


async def _publish(bus: Bus, row: dict[str, Any]) -> None:
    await asyncio.sleep(LATE)
    try:
        await bus.jetstream.publish(
            row["type"], row["envelope"].encode(), headers={"Nats-Msg-Id": str(row["message_id"])}
        )
    except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as failed:
        log.warning("lost for ever", type=row["type"], error=describe(failed))


Handle = Callable[[Listener, list[Msg]], Awaitable[None]]


def _handle_together_and_dawdle(handle_together: Handle) -> Handle:
    async def handle(listener: Listener, fetched: list[Msg]) -> None:
        await handle_together(listener, fetched)
        await asyncio.sleep(LATE)

    return handle


HandleIn = Callable[[Subscriptions, AsyncSession, Sequence[Heard]], Awaitable[None]]


def _handle_and_dawdle(handle: HandleIn) -> HandleIn:
    async def slowly(subscribed: Subscriptions, session: AsyncSession, envelopes: Sequence[Heard]) -> None:
        await handle(subscribed, session, envelopes)
        await asyncio.sleep(LATE)

    return slowly


async def _all_are_new(session: AsyncSession, ids: Sequence[UUID]) -> set[UUID]:
    connection = await session.connection()
    rows = [{"message_id": message_id, "handled_at": datetime.now(UTC)} for message_id in set(ids)]
    await connection.execute(insert_for(connection)(handled_messages).values(rows).on_conflict_do_nothing())
    return set(ids)


async def _acknowledge_first(listener: Listener, fetched: list[Msg]) -> None:
    for msg in fetched:
        await msg.ack()
    await asyncio.sleep(LATE)
    try:
        await listener._handle_together(fetched)
    except Exception as failed:
        log.warning("lost for ever", messages=len(fetched), error=describe(failed))


if __name__ == "__main__":
    break_listening()
    asyncio.run(witness.listen())
