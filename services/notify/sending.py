"""The job that mails: claims what is due, writes and sends it a few at a time, and closes what is done together."""

import asyncio

from services.notify.deliveries import Outcome, claim, close_all
from services.notify.mail import compose
from services.notify.mail_writer import MailWriter
from services.notify.parcels import Parcel, load
from services.notify.settings import Settings
from services.notify.smtp import Mailer, Refused, ServerAway
from shared.auth import Links
from shared.database import Database, Together
from shared.telemetry import get_logger

log = get_logger()

MOST_UNDER_WAY = 16
ENDS_WITHIN = 5.0


class Sending:
    """What is under way in this process."""

    def __init__(self, settings: Settings, database: Database, links: Links) -> None:
        self._database = database
        self._writer = MailWriter(settings, links)
        self._mailer = Mailer(settings)
        self._close: Together[Outcome, None] = Together(database, close_all)
        self._under_way: set[asyncio.Task[None]] = set()

    async def send_some(self) -> bool:
        """Starts as many as there is room for; each that ends beats the pulse by its commit and so wakes the job."""
        room = MOST_UNDER_WAY - len(self._under_way)
        if room <= 0 or self._mailer.rests:
            return False
        async with self._database.transaction(quiet=True) as session:
            claimed = await claim(session, room)
        if not claimed:
            return False
        async with self._database.reading() as session:
            parcels = await load(session, claimed)
        for parcel in parcels:
            task = asyncio.create_task(self._deliver(parcel))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
        return len(claimed) == room

    async def stop(self) -> None:
        """Lets what is under way end, so that it is not mailed twice after the next start."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=ENDS_WITHIN)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._mailer.close()

    async def _deliver(self, parcel: Parcel) -> None:
        outcome = await self._attempt(parcel)
        if outcome.result != "sent":
            log.warning("mail not delivered", delivery=str(parcel.delivery.id), result=outcome.result)
        try:
            await self._close(outcome)
        except Exception as failed:
            # The claim lapses, and the mail is sent again with the same Message-ID.
            log.warning("delivery not closed", delivery=str(parcel.delivery.id), error=type(failed).__name__)

    async def _attempt(self, parcel: Parcel) -> Outcome:
        email = parcel.contact.email
        try:
            await self._mailer.send(email, compose(self._writer.write(parcel)))
        except Refused as refused:
            # What a server answers often repeats the address, which is nobody else's to read.
            detail = str(refused).replace(email, "the address")[:500]
            return Outcome(parcel, "refused" if refused.permanent else "again", detail)
        except ServerAway as away:
            return Outcome(parcel, "away", str(away)[:500], rest=self._mailer.rests)
        except Exception as failed:
            log.exception("mail could not be written", delivery=str(parcel.delivery.id), exc_info=failed)
            return Outcome(parcel, "again", f"{type(failed).__name__} while writing")
        return Outcome(parcel, "sent")
