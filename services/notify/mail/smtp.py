"""The one door to aiosmtplib: a few connections to the mail server, kept open between mails."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notify.settings import Settings
from shared.fields import wire_address

TIMEOUT = 20.0
# Servers close what is idle for some minutes; a fresh connection is surer than an old one.
KEPT_FOR = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
_FROM_THEN_ON_REFUSED, _TOO_LARGE = 500, 552


class Refused(Exception):
    """The server took no mail for this recipient; `permanent` when asking again is of no use."""

    def __init__(self, code: int, reply: str, *, permanent: bool) -> None:
        super().__init__(f"{code} {reply}")
        self.permanent = permanent


class ServerAway(Exception):
    """The server could not be reached, or closed, or does not know us: no fault of the mail."""


@dataclass(slots=True)
class _Kept:
    smtp: aiosmtplib.SMTP
    used_at: float


class Mailer:
    """Sends over at most `smtp_connections` connections. While the server is away it rests, longer each time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turns = asyncio.Semaphore(settings.smtp_connections)
        self._idle: list[_Kept] = []
        self._pause = 0.0
        self._rests_until = 0.0

    @property
    def rests(self) -> float:
        """Seconds until the server is worth another try."""
        return max(0.0, self._rests_until - time.monotonic())

    async def send(self, to: str, mail: bytes) -> None:
        """Returns when the server has taken the mail. Raises Refused or ServerAway."""
        async with self._turns:
            try:
                await self._send(to, mail)
            except ServerAway:
                self._rest()
                raise
            self._pause = self._rests_until = 0.0

    def _rest(self) -> None:
        """Longer each time; those that were under way together find out together, and count once."""
        if not self.rests:
            self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)
            self._rests_until = time.monotonic() + self._pause

    async def close(self) -> None:
        for kept in self._idle:
            await _leave(kept.smtp)
        self._idle.clear()

    async def _send(self, to: str, mail: bytes) -> None:
        while self._idle:
            kept = self._idle.pop()
            if kept.smtp.is_connected and time.monotonic() - kept.used_at < KEPT_FOR:
                with contextlib.suppress(ServerAway):
                    # A kept connection may have been closed at the other end: then a new one decides.
                    return await self._send_over(kept.smtp, to, mail)
            else:
                await _leave(kept.smtp)
        return await self._send_over(await self._connect(), to, mail)

    async def _send_over(self, smtp: aiosmtplib.SMTP, to: str, mail: bytes) -> None:
        address = wire_address(to)
        options = [] if address.isascii() else ["SMTPUTF8"]
        async with _answers_understood(smtp):
            await smtp.sendmail(self._settings.mail_address, [address], mail, mail_options=options)
        self._idle.append(_Kept(smtp, time.monotonic()))

    async def _connect(self) -> aiosmtplib.SMTP:
        parts = urlsplit(self._settings.smtp_url.get_secret_value())
        smtp = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=True if parts.scheme == "smtp+starttls" else None,
            timeout=TIMEOUT,
        )
        try:
            await smtp.connect()
        except (aiosmtplib.SMTPException, OSError) as away:
            raise ServerAway(_describe(away)) from away
        return smtp


@contextlib.asynccontextmanager
async def _answers_understood(smtp: aiosmtplib.SMTP) -> AsyncIterator[None]:
    """Tells a refusal of this mail from a server that is away; after any of them the connection is given up."""
    try:
        yield
    except aiosmtplib.SMTPRecipientsRefused as refused:
        await _leave(smtp)
        first = refused.recipients[0]
        raise _refusal(first.code, first.message) from refused
    except aiosmtplib.SMTPSenderRefused as refused:
        await _leave(smtp)
        # Who may send is no matter of this mail; its size is, and is told here (RFC 1870).
        if refused.code == _TOO_LARGE:
            raise _refusal(refused.code, refused.message) from refused
        raise ServerAway(f"{refused.code} {refused.message}") from refused
    except aiosmtplib.SMTPResponseException as refused:
        await _leave(smtp)
        raise _refusal(refused.code, refused.message) from refused
    except (aiosmtplib.SMTPNotSupported, ValueError) as impossible:
        await _leave(smtp)
        raise Refused(553, str(impossible), permanent=True) from impossible
    except (aiosmtplib.SMTPException, OSError) as away:
        smtp.close()
        raise ServerAway(_describe(away)) from away
    except asyncio.CancelledError:
        smtp.close()
        raise


def _refusal(code: int, reply: str) -> Refused | ServerAway:
    # 421: the service closes the channel, whatever the mail was (RFC 5321, 3.8).
    if code == 421 or code < 0:
        return ServerAway(f"{code} {reply}")
    return Refused(code, reply, permanent=code >= _FROM_THEN_ON_REFUSED)


def _describe(away: Exception) -> str:
    return f"{type(away).__name__}: {away}"[:300]


async def _leave(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.quit(timeout=1)
    except (aiosmtplib.SMTPException, OSError):
        smtp.close()
