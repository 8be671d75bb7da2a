"""Who mails: over a few connections, kept open between mails, with a rest when the server is in trouble."""

import asyncio
import time
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Gauge

from services.notify.mail.answers import (
    BrokeOff,
    Held,
    NotSent,
    NotTried,
    Refused,
    RefusedByPolicy,
    RefusesUs,
    ServerAway,
    TryAgain,
)
from services.notify.mail.doubts import Doubts
from services.notify.mail.smtp import Connection, Connector
from services.notify.settings import Settings
from shared.fields import email_domain
from shared.telemetry import get_logger

log = get_logger()

# Servers close what is idle for some minutes; a fresh connection is surer than an old one.
KEPT_FOR = 60.0
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0


@dataclass(slots=True)
class _Kept:
    connection: Connection
    used_at: float


class _Turn:
    """One of a few; given back early where the server thinks so long about one mail that others would wait for it."""

    def __init__(self, turns: asyncio.Semaphore) -> None:
        self._turns, self._is_ours = turns, False

    async def __aenter__(self) -> "_Turn":
        await self._turns.acquire()
        self._is_ours = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self.give_back()

    def give_back(self) -> None:
        if self._is_ours:
            self._is_ours = False
            self._turns.release()


class Mailer:
    """Sends over `smtp_connections` connections, and more only while some wait for a late answer.

    While the server is in trouble it rests, longer each time.
    """

    def __init__(self, settings: Settings, registry: CollectorRegistry) -> None:
        self._connector = Connector(settings)
        self._turns = asyncio.Semaphore(settings.smtp_connections)
        self._idle: list[_Kept] = []
        self._broken_off, self._policies = Doubts(), Doubts()
        self._pause = 0.0
        self._rests_until = 0.0
        self._refuses_us = Gauge(
            "mail_server_refuses_us",
            "1 while the mail server refuses our greeting, login, sender or relaying, or is not trusted",
            registry=registry,
        )

    @property
    def rests(self) -> float:
        """Seconds until the server is worth another try."""
        return max(0.0, self._rests_until - time.monotonic())

    async def send(self, address: str, mail: bytes, *, was_held: bool = False) -> None:
        """Returns when the server has taken the mail; raises what else came of it.

        `was_held`: so was an earlier attempt, and a refusal by the recipient's own policy is now for good.
        """
        async with _Turn(self._turns) as turn:
            if self.rests:
                raise NotTried("the mail server is in trouble")
            try:
                await self._send(address, mail, was_held, turn)
            except (ServerAway, RefusesUs) as trouble:
                self._rest(trouble)
                raise
            self._pause = self._rests_until = 0.0
            self._refuses_us.set(0)
            self._broken_off.taken()
            self._policies.taken()

    async def close(self) -> None:
        for kept in self._idle:
            await kept.connection.leave()
        self._idle.clear()

    def _rest(self, trouble: NotSent) -> None:
        """Longer each time; those that were under way together find out together, and count once."""
        if self.rests:
            return
        self._pause = min(max(FIRST_PAUSE, self._pause * 2), LONGEST_PAUSE)
        self._rests_until = time.monotonic() + self._pause
        if isinstance(trouble, RefusesUs):
            self._refuses_us.set(1)
            log.error("the mail server refuses us: no mail goes out", reply=str(trouble), rests=self._pause)

    async def _send(self, address: str, mail: bytes, was_held: bool, turn: _Turn) -> None:
        domain = email_domain(address)
        try:
            await self._over_a_connection(address, mail, turn)
        except BrokeOff as broke:
            everybodys = self._broken_off.everybodys(domain)
            raise ServerAway(str(broke)) if everybodys else TryAgain(str(broke)) from broke
        except RefusedByPolicy as refused:
            if was_held and self._policies.only_theirs(domain):
                raise Refused(str(refused)) from refused
            everybodys = self._policies.everybodys(domain)
            raise RefusesUs(str(refused)) if everybodys else Held(str(refused)) from refused

    async def _over_a_connection(self, address: str, mail: bytes, turn: _Turn) -> None:
        while self._idle:
            kept = self._idle.pop()
            if kept.connection.is_open and time.monotonic() - kept.used_at < KEPT_FOR:
                try:
                    return await self._over(kept.connection, address, mail, turn)
                except BrokeOff:
                    # It may have been closed at the other end while it was idle: a new one decides.
                    continue
            await kept.connection.leave()
        return await self._over(await self._connector.connect(), address, mail, turn)

    async def _over(self, connection: Connection, address: str, mail: bytes, turn: _Turn) -> None:
        """After anything but a yes the connection is given up."""
        try:
            await connection.hand_over(address, mail, late=turn.give_back)
        except (NotSent, RefusedByPolicy):
            await connection.leave()
            raise
        except BaseException:
            connection.close()
            raise
        self._idle.append(_Kept(connection, time.monotonic()))
