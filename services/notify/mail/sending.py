"""The job that mails: claims what is due, writes and sends it a few at a time, and closes what is done together."""

import asyncio
import time
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter
from sqlalchemy.exc import SQLAlchemyError

from services.notify.deliveries.claims import CLAIMED_FOR, claim, keep, wait_no_longer
from services.notify.deliveries.clock import Clock, ClockWasSet
from services.notify.deliveries.deliveries import Attempt, close, was_held, write_closings
from services.notify.deliveries.parcels import Parcel, load
from services.notify.mail.answers import NotSent
from services.notify.mail.mail import compose
from services.notify.mail.mailer import Mailer
from services.notify.mail.writer import MailWriter
from services.notify.settings import Settings
from shared.access.links import Links
from shared.database import Database
from shared.fields import wire_address
from shared.messaging.pulse import Pulse
from shared.telemetry import get_logger

log = get_logger()

MOST_UNDER_WAY = 16
# Well before it lapses: whoever claims it next must not find it still under way here.
KEPT_EVERY = 0.25 * CLAIMED_FOR.total_seconds()
# After the clock was set nobody claims for so long, and whoever has something under way keeps it by the new time.
CLAIMS_SETTLE = 10.0
ENDS_WITHIN = 5.0
LONGEST_WAIT = 5.0
CLOSED_TOGETHER = 0.02


class Sending:
    """What is under way in this process, and what is done and not yet written down."""

    def __init__(
        self, settings: Settings, database: Database, links: Links, pulse: Pulse, registry: CollectorRegistry
    ) -> None:
        self._database, self._pulse = database, pulse
        self._attempts = Counter(
            "mail_attempts", "Attempts to mail, by what came of them", ("result",), registry=registry
        )
        self._writer = MailWriter(settings, links)
        self._mailer = Mailer(settings, registry)
        self._under_way: dict[asyncio.Task[None], UUID] = {}
        self._kept_at = time.monotonic()
        self._clock = Clock()
        self._clock_was_set: list[ClockWasSet] = []
        self._claims_again_at = 0.0
        self._done: list[Attempt] = []
        self._round: asyncio.Task[None] | None = None

    async def send_some(self) -> bool:
        """One round: closes what is done and claims what is due in one transaction, starts it, and waits for news.

        True while there is more to do.
        """
        seen = self._pulse.count
        room = 0 if self._mailer.rests else MOST_UNDER_WAY - len(self._under_way)
        # Whole even if the job is cancelled meanwhile: what is claimed and not started would wait for a minute.
        self._round = asyncio.create_task(self._begin(room))
        await asyncio.shield(self._round)
        if self._under_way:
            await self._wait_for_news(seen)
        return bool(self._under_way or self._done)

    async def stop(self) -> None:
        """Lets what is under way end, so that it is not mailed twice after the next start."""
        if self._round is not None:
            await asyncio.wait((self._round,))
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=ENDS_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        try:
            await self._close_and_claim(0)
        except (SQLAlchemyError, OSError) as failed:
            log.warning("mails sent and not written down", mails=len(self._done), error=type(failed).__name__)
        await self._mailer.close()

    async def _begin(self, room: int) -> None:
        self._look_at_the_clock()
        settled = time.monotonic() >= self._claims_again_at
        for parcel in await self._close_and_claim(room if settled else 0):
            task = asyncio.create_task(self._deliver(parcel))
            self._under_way[task] = parcel.delivery.id
            task.add_done_callback(self._under_way.pop)

    def _look_at_the_clock(self) -> None:
        if was_set := self._clock.was_set():
            log.warning("the clock was set", seconds=was_set.by.total_seconds())
            self._clock_was_set.append(was_set)
            self._claims_again_at = time.monotonic() + CLAIMS_SETTLE

    async def _close_and_claim(self, room: int) -> list[Parcel]:
        """If it fails, what is done is closed in the next round, before its claim lapses and it is sent again."""
        ours, was_set = list(self._under_way.values()), list(self._clock_was_set)
        keeps = bool(ours) and (bool(was_set) or time.monotonic() - self._kept_at >= KEPT_EVERY)
        if not (self._done or room or keeps or was_set):
            return []
        closings = [close(attempt) for attempt in self._done]
        quiet = not any(closing.failed for closing in closings)
        async with self._database.transaction(quiet=quiet) as session:
            await write_closings(session, closings)
            for each in was_set:
                await wait_no_longer(session, each)
            if keeps:
                await keep(session, ours)
            claimed = await claim(session, room, ours) if room else []
        del self._done[: len(closings)], self._clock_was_set[: len(was_set)]
        if keeps:
            self._kept_at = time.monotonic()
        if not claimed:
            return []
        async with self._database.reading() as session:
            return await load(session, claimed)

    async def _wait_for_news(self, seen: int) -> None:
        """Until a mail is done, and a moment more so that others are closed with it; or the pulse tells of new ones."""
        beat = asyncio.ensure_future(self._pulse.wait(seen, LONGEST_WAIT))
        await asyncio.wait((beat, *self._under_way), return_when=asyncio.FIRST_COMPLETED)
        beat.cancel()
        if self._under_way and self._done:
            await asyncio.wait(self._under_way, timeout=CLOSED_TOGETHER)

    async def _deliver(self, parcel: Parcel) -> None:
        attempt = await self._attempt(parcel)
        if attempt.result not in ("sent", "untried"):
            log.warning("mail not delivered", delivery=str(parcel.delivery.id), result=attempt.result)
        if attempt.result != "untried":
            self._attempts.labels(attempt.result).inc()
        self._done.append(attempt)

    async def _attempt(self, parcel: Parcel) -> Attempt:
        email = parcel.contact.email
        try:
            address = wire_address(email)
        except ValueError as impossible:
            return Attempt(parcel, "refused", f"no such domain can be: {impossible}"[:500])
        try:
            mail = compose(self._writer.write(parcel))
            await self._mailer.send(address, mail, was_held=was_held(parcel.delivery))
        except NotSent as why:
            # What a server answers often repeats the address, which is nobody else's to read.
            detail = str(why).replace(address, "the address").replace(email, "the address")[:500]
            return Attempt(parcel, why.result, detail, rest=self._mailer.rests)
        except Exception as failed:
            log.exception("mail could not be written", delivery=str(parcel.delivery.id), exc_info=failed)
            return Attempt(parcel, "again", f"{type(failed).__name__} while writing")
        return Attempt(parcel, "sent")
