"""The one door to aiosmtplib: connections to the mail server as the settings say, and one mail over one of them."""

import asyncio
import re
import ssl
from collections.abc import Callable
from functools import cached_property
from urllib.parse import unquote, urlsplit

import aiosmtplib

from services.notify.mail.answers import (
    BrokeOff,
    NotSent,
    Refused,
    RefusesUs,
    ServerAway,
    TryAgain,
    Unanswered,
    closes,
    meaning,
    meaning_before_a_recipient,
)
from services.notify.settings import Settings
from shared.telemetry import get_logger

log = get_logger()

CONNECTED_WITHIN = 20.0
# RFC 5321, 4.5.3.2: five minutes for MAIL and RCPT, two for DATA.
COMMAND_ANSWERED_WITHIN, DATA_ANSWERED_WITHIN = 300.0, 120.0
LATE_AFTER = 15.0
_GO_ON, _TAKEN, _FOR_GOOD = 354, 250, 500
_TROUBLE = (aiosmtplib.SMTPException, OSError)
_DOTS = re.compile(rb"^\.", re.MULTILINE)


class Connection:
    """Greeted, encrypted and logged in."""

    def __init__(self, smtp: aiosmtplib.SMTP, sender: str, patience: float) -> None:
        self._smtp, self._sender, self._patience = smtp, sender, patience

    @property
    def is_open(self) -> bool:
        return self._smtp.is_connected

    async def hand_over(self, address: str, mail: bytes, late: Callable[[], None]) -> None:
        """Returns when the server has taken the mail; calls `late` when it thinks long about it.

        Until the mail is out the server can be asked anew; then it may have it. Raises what else came of it; BrokeOff,
        RefusedByPolicy where that is not known here.
        """
        try:
            await self._announce(address)
        except aiosmtplib.SMTPSenderRefused as refused:
            raise _before(refused, meaning_before_a_recipient(refused.code, refused.message)) from refused
        except aiosmtplib.SMTPResponseException as refused:
            raise _before(refused, meaning(refused.code, refused.message)) from refused
        except _TROUBLE as broke:
            raise BrokeOff(_describe(broke)) from broke
        calling = asyncio.get_running_loop().call_later(LATE_AFTER, late)
        try:
            code, reply = await self._answer_to(mail)
        finally:
            calling.cancel()
        if code != _TAKEN:
            raise TryAgain(f"{code} {reply}") if closes(code) else meaning(code, reply)

    async def leave(self) -> None:
        try:
            await self._smtp.quit(timeout=1)
        except _TROUBLE:
            self._smtp.close()

    def close(self) -> None:
        self._smtp.close()

    async def _announce(self, address: str) -> None:
        smtp = self._smtp
        encoding, options = ("ascii", []) if address.isascii() else ("utf-8", ["SMTPUTF8"])
        if options and not smtp.supports_extension("smtputf8"):
            raise Refused("553 5.6.7 the mail server does not offer SMTPUTF8, which this address needs")
        await smtp.mail(self._sender, options=options, encoding=encoding, timeout=COMMAND_ANSWERED_WITHIN)
        await smtp.rcpt(address, encoding=encoding, timeout=COMMAND_ANSWERED_WITHIN)
        answer = await smtp.execute_command(b"DATA", timeout=DATA_ANSWERED_WITHIN)
        if answer.code != _GO_ON:
            raise aiosmtplib.SMTPDataError(answer.code, answer.message)

    async def _answer_to(self, mail: bytes) -> tuple[int, str]:
        """To the final dot. Whatever happens here, the server may have the mail: also when we are told to stop."""
        try:
            if self._smtp.protocol is None:
                raise aiosmtplib.SMTPServerDisconnected("Connection lost")
            self._smtp.protocol.write(_DOTS.sub(b"..", mail) + b".\r\n")
            answer = await self._smtp.protocol.read_response(timeout=self._patience)
        except asyncio.CancelledError as stopped:
            raise Unanswered("handed over, and no answer before the service stopped") from stopped
        except _TROUBLE as broke:
            raise Unanswered(f"handed over, and then: {_describe(broke)}") from broke
        return answer.code, answer.message


def _before(refused: aiosmtplib.SMTPResponseException, meant: Exception) -> Exception:
    return BrokeOff(f"{refused.code} {refused.message}") if closes(refused.code) else meant


class _NotEncrypted(Exception):
    """It was offered, and it failed."""


class Connector:
    def __init__(self, settings: Settings) -> None:
        parts = urlsplit(settings.smtp_url.get_secret_value())
        self._host, self._port = parts.hostname, parts.port
        self._encrypted_at_once = parts.scheme == "smtps"
        self._login = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
        self._settings = settings
        # A password is for one server alone; a mail without one goes better to whoever answers than in the clear.
        self._trusts_whoever_answers = settings.starttls == "if_offered" and self._login is None

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._settings.smtp_ca_file)
        if self._trusts_whoever_answers:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    async def connect(self) -> Connection:
        """Raises ServerAway or RefusesUs."""
        try:
            try:
                smtp = await self._open(self._settings.starttls)
            except _NotEncrypted as failed:
                log.warning("mail goes out unencrypted, for what the server offers does not work", error=str(failed))
                smtp = await self._open("off")
        except _TROUBLE as trouble:
            raise _meaning_of_none(trouble) from trouble
        return Connection(smtp, self._settings.mail_address, self._settings.smtp_patience)

    async def _open(self, starttls: str) -> aiosmtplib.SMTP:
        smtp = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            local_hostname=self._settings.helo_name,
            use_tls=self._encrypted_at_once,
            start_tls=False,
            tls_context=self._tls,
            timeout=CONNECTED_WITHIN,
        )
        try:
            await smtp.connect()
            await _greet(smtp)
            if starttls == "required" or (starttls == "if_offered" and smtp.supports_extension("starttls")):
                await self._encrypt(smtp)
                await _greet(smtp)
            if self._login is not None:
                await smtp.login(*self._login)
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def _encrypt(self, smtp: aiosmtplib.SMTP) -> None:
        try:
            await smtp.starttls()
        except _TROUBLE as failed:
            if self._trusts_whoever_answers:
                raise _NotEncrypted(_describe(failed)) from failed
            raise


async def _greet(smtp: aiosmtplib.SMTP) -> None:
    try:
        await smtp.ehlo()
    except aiosmtplib.SMTPHeloError:
        await smtp.helo()


def _meaning_of_none(trouble: Exception) -> NotSent:
    """Of no connection."""
    if isinstance(trouble, aiosmtplib.SMTPResponseException):
        said = f"{trouble.code} {trouble.message}"
        return RefusesUs(said) if trouble.code >= _FOR_GOOD else ServerAway(said)
    untrusted = isinstance(trouble, ssl.SSLError) or isinstance(trouble.__cause__, ssl.SSLError)
    # What is left is what the server does not offer: encryption or a login that we were told to use.
    is_there = not isinstance(trouble, OSError)
    return RefusesUs(_describe(trouble)) if untrusted or is_there else ServerAway(_describe(trouble))


def _describe(trouble: Exception) -> str:
    return f"{type(trouble).__name__}: {trouble}"[:300]
