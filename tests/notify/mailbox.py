"""A real mail server in this process, whose mails can be read and whose refusals can be chosen."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support.services import eventually


@dataclass(slots=True)
class Received:
    """One mail as it came, for one address."""

    to: str
    message: EmailMessage = field(repr=False)
    raw: bytes = field(repr=False)

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self._part("text/plain")

    @property
    def html(self) -> str:
        return self._part("text/html")

    @property
    def calendar(self) -> str | None:
        """The attached calendar file, unfolded."""
        parts = [part for part in self.message.walk() if part.get_content_type() == "text/calendar"]
        return str(parts[0].get_content()).replace("\r\n", "\n").replace("\n ", "") if parts else None

    def _part(self, kind: str) -> str:
        return next(str(part.get_content()) for part in self.message.walk() if part.get_content_type() == kind)


@dataclass(slots=True)
class Mailbox:
    """`refusals` answers an address with its reply, as long as it stands there; `held` makes the server slow.

    `hangs_up_on` ends the connection at RCPT, `drops` after DATA; `greeting_refused` and `sender_refused` are replies.
    """

    port: int = 0
    received: list[Received] = field(default_factory=list, repr=False)
    refusals: dict[str, str] = field(default_factory=dict)
    held: asyncio.Event | None = None
    holding: int = 0
    connections: int = 0
    hangs_up_on: set[str] = field(default_factory=set)
    drops: set[str] = field(default_factory=set)
    greeting_refused: str | None = None
    sender_refused: str | None = None
    greeted_as: set[str] = field(default_factory=set)
    # Every hand-over, whether it was answered or not: the address, and whether the connection was encrypted.
    handed_over: list[tuple[str, bool]] = field(default_factory=list, repr=False)

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        if self.greeting_refused is not None:
            return [self.greeting_refused]
        self.greeted_as.add(hostname)
        session.host_name = hostname
        return responses

    async def handle_HELO(self, server: SMTP, session: Session, envelope: Envelope, hostname: str) -> str:
        session.host_name = hostname
        return self.greeting_refused or "250 localhost"

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.sender_refused is not None:
            return self.sender_refused
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.hangs_up_on:
            hang_up(server)
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        self.handed_over += [(to, session.ssl is not None) for to in envelope.rcpt_tos]
        if self.drops & set(envelope.rcpt_tos):
            hang_up(server)
        if self.held is not None:
            self.holding += 1
            await self.held.wait()
        raw = envelope.content
        assert isinstance(raw, bytes)
        message = message_from_bytes(raw, policy=policy.default)
        self.received += [Received(to, message, raw) for to in envelope.rcpt_tos]
        return "250 kept"

    def to(self, address: str) -> list[Received]:
        return [mail for mail in self.received if mail.to == address]

    async def one(self, address: str, about: str = "") -> Received:
        """The one mail to that address whose subject holds `about`, as soon as it is there."""

        async def look() -> list[Received]:
            return [mail for mail in self.to(address) if about in mail.subject]

        found = await eventually(look)
        assert len(found) == 1, [mail.subject for mail in found]
        return found[0]

    async def wait_for(self, count: int) -> None:
        """Until so many mails have come in all."""

        async def look() -> bool:
            return len(self.received) >= count

        await eventually(look)


def hang_up(server: SMTP) -> None:
    transport = server.transport
    assert isinstance(transport, asyncio.WriteTransport)
    transport.abort()


@contextlib.asynccontextmanager
async def running_mailbox(port: int = 0, **options: Any) -> AsyncIterator[Mailbox]:
    """`options` are those of aiosmtpd, such as a `tls_context`."""
    mailbox = Mailbox()
    told = {"enable_SMTPUTF8": True, "hostname": "localhost", **options}
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(mailbox, **told), host="127.0.0.1", port=port)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
