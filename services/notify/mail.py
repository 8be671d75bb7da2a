"""A mail as bytes: plain text and HTML that say the same, and a calendar file where there is one."""

from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from services.notify.wording import MailWords

# Readable in a file, and no server has to understand 8 bits.
_ENCODING = "quoted-printable"


@dataclass(frozen=True, slots=True)
class CalendarAttachment:
    content: bytes
    method: str
    filename: str


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person. `message_id` stays the same however often it is sent; `headers` are more of them."""

    sender: str
    to_email: str
    to_name: str | None
    message_id: str
    date: datetime
    language: str
    words: MailWords
    calendar: CalendarAttachment | None = None
    headers: dict[str, str] = field(default_factory=dict)


def compose(mail: Mail) -> bytes:
    """RFC 5322 and MIME, lines as SMTP wants them."""
    message = EmailMessage(policy=SMTP)
    for name, value in _headers(mail).items():
        message[name] = value
    message.set_content(mail.words.text, cte=_ENCODING)
    message.add_alternative(mail.words.html, subtype="html", cte=_ENCODING)
    if (calendar := mail.calendar) is not None:
        message.add_attachment(
            calendar.content.decode(),
            subtype="calendar",
            cte=_ENCODING,
            params={"method": calendar.method},
            filename=calendar.filename,
        )
    return message.as_bytes()


def _headers(mail: Mail) -> dict[str, str | Address]:
    return {
        "From": _addressee(*parseaddr(mail.sender)),
        "To": _addressee(mail.to_name, mail.to_email),
        "Subject": mail.words.subject,
        "Date": format_datetime(mail.date),
        "Message-ID": mail.message_id,
        # RFC 3834: no out-of-office answers to these.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": mail.language,
        **mail.headers,
    }


def _addressee(name: str | None, email: str) -> Address:
    """The name in one line, whatever a message brought."""
    user, _, domain = email.rpartition("@")
    return Address(" ".join((name or "").split()), user, domain)
