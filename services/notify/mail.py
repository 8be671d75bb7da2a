"""A mail as bytes: plain text and HTML that say the same, and a calendar file where there is one.

Built of the plain parts of `email`: its newer message class takes three times as long.
"""

import binascii
from dataclasses import dataclass, field
from datetime import datetime
from email.generator import BytesGenerator
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.policy import compat32
from email.utils import format_datetime, formataddr
from io import BytesIO

from services.notify.wording import MailWords

_POLICY = compat32.clone(linesep="\r\n", max_line_length=78)


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
    words = MIMEMultipart("alternative")
    words.attach(_part("plain", mail.words.text.encode()))
    words.attach(_part("html", mail.words.html.encode()))
    whole = words
    if mail.calendar is not None:
        whole = MIMEMultipart("mixed")
        del words["MIME-Version"]
        whole.attach(words)
        whole.attach(_calendar_part(mail.calendar))
    for name, value in _headers(mail).items():
        whole[name] = value
    file = BytesIO()
    BytesGenerator(file, mangle_from_=False, policy=_POLICY).flatten(whole)
    return file.getvalue()


def _headers(mail: Mail) -> dict[str, str]:
    return {
        "From": mail.sender,
        "To": _addressee(mail.to_name, mail.to_email),
        "Subject": Header(mail.words.subject, header_name="Subject").encode(),
        "Date": format_datetime(mail.date),
        "Message-ID": mail.message_id,
        # RFC 3834: no out-of-office answers to these.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": mail.language,
        **mail.headers,
    }


def _addressee(name: str | None, email: str) -> str:
    """The name in one line, whatever a message brought. An address in other letters stands alone."""
    return formataddr((" ".join((name or "").split()), email)) if email.isascii() else email


def _part(subtype: str, content: bytes, **parameters: str) -> MIMENonMultipart:
    """Quoted-printable: readable in a file, and no server has to understand 8 bits."""
    part = MIMENonMultipart("text", subtype, charset="utf-8")
    del part["MIME-Version"]
    for name, value in parameters.items():
        part.set_param(name, value)
    part["Content-Transfer-Encoding"] = "quoted-printable"
    lines = content.replace(b"\r\n", b"\n")
    part.set_payload(binascii.b2a_qp(lines, istext=True).decode("ascii"))
    return part


def _calendar_part(calendar: CalendarAttachment) -> MIMENonMultipart:
    part = _part("calendar", calendar.content, method=calendar.method, name=calendar.filename)
    part.add_header("Content-Disposition", "attachment", filename=calendar.filename)
    return part
