"""A mail as bytes: plain text and HTML that say the same, and a calendar file where there is one."""

from dataclasses import dataclass, field
from datetime import datetime
from email import charset, policy
from email.header import Header
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from email.utils import format_datetime, formataddr, parseaddr

from services.notify.letters.wording import MailWords
from shared.fields import wire_address

# Quoted-printable: readable in a file, and no server has to understand 8 bits.
_UTF_8 = charset.Charset("utf-8")
_UTF_8.body_encoding = charset.QP
# The newer classes of the library double spaces where they fold a subject (seen in Python 3.11).
_END = "\r\n"
_ON_THE_WIRE = policy.compat32.clone(linesep=_END)


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
    """RFC 5322 and MIME, with the line ends of SMTP."""
    words = MIMEMultipart("alternative", _subparts=[_text(mail.words.text, "plain"), _text(mail.words.html, "html")])
    calendar = mail.calendar and _calendar_file(mail.calendar)
    whole = MIMEMultipart("mixed", _subparts=[words, calendar]) if calendar else words
    for name, value in _headers(mail).items():
        whole[name] = value
    # By hand: the library encodes a part before the @ that is not ASCII along with the name, so that nobody could
    # answer it, and folds before a long address of a link, so that some programs find none.
    own = {"To": _addressee(mail.to_name, mail.to_email), **mail.headers}
    head = "".join(f"{name}: {value}{_END}" for name, value in own.items())
    return head.encode() + whole.as_bytes(policy=_ON_THE_WIRE)


def _headers(mail: Mail) -> dict[str, str]:
    return {
        "From": _addressee(*parseaddr(mail.sender)),
        "Subject": _words(mail.words.subject, "Subject"),
        "Date": format_datetime(mail.date),
        "Message-ID": mail.message_id,
        # RFC 3834: no out-of-office answers to these.
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
        "Content-Language": mail.language,
    }


def _addressee(name: str | None, email: str) -> str:
    """The name in one line, whatever a message brought; the address as on the envelope."""
    name, address = " ".join((name or "").split()), wire_address(email)
    if not _is_plain(name):
        return f"{_words(name, 'To')}{_END} <{address}>"
    return formataddr((name, address)) if address.isascii() else address


def _words(words: str, header: str) -> str:
    """Whatever was written is what is read: also what looks as if it were encoded already (RFC 2047)."""
    return Header(words, None if _is_plain(words) else "utf-8", header_name=header).encode(linesep=_END)


def _is_plain(words: str) -> bool:
    return words.isascii() and "=?" not in words


def _text(content: str, subtype: str) -> MIMEText:
    return MIMEText(content, subtype, _UTF_8)  # type: ignore[arg-type]  # typeshed knows names of charsets only


def _calendar_file(calendar: CalendarAttachment) -> MIMEText:
    part = _text(calendar.content.decode().replace("\r\n", "\n"), "calendar")
    part.set_param("method", calendar.method)
    part.add_header("Content-Disposition", "attachment", filename=calendar.filename)
    return part
