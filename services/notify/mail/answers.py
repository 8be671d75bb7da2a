"""What may come of a mail that is not taken, and how a server's answer tells one from another."""

import re
from typing import ClassVar

from services.notify.deliveries.deliveries import Result


class NotSent(Exception):
    """Why the server has not taken a mail, or may not have."""

    result: ClassVar[Result]


class Refused(NotSent):
    """This recipient or this mail, for good."""

    result = "refused"


class TryAgain(NotSent):
    """This recipient or this mail, for now."""

    result = "again"


class Unanswered(NotSent):
    """The mail was handed over whole, and no answer came: nobody can tell whether it was taken."""

    result = "unanswered"


class ServerAway(NotSent):
    """Not reached, or it takes nothing now: no fault of the mail, which was not handed over."""

    result = "away"


class RefusesUs(NotSent):
    """Our greeting, login, sender or relaying, or we do not trust the server: for the operator to mend."""

    result = "held"


class Held(NotSent):
    """Refused by policy, and it is not yet known whether that is for this recipient or for all."""

    result = "held"


class NotTried(NotSent):
    """The server was found to be in trouble while this mail waited for its turn."""

    result = "untried"


class BrokeOff(Exception):
    """The connection ended before the mail was handed over."""


class RefusedByPolicy(Exception):
    """For security or policy (RFC 3463, x.7.x): either this recipient's or ours."""


_ENHANCED = re.compile(r"(?:^|#)\s*[245]\.(\d{1,3})\.(\d{1,3})\b")
# The words of Postfix, Exim, Sendmail and Exchange for what is refused whoever the recipient is.
_OURS = re.compile(
    r"\b(?:helo|ehlo)\b|client host|sender address|authentication (?:is )?required"
    r"|\brelay(?:ing)?\b.{0,40}\b(?:denied|not|prohibited|refused|rejected)\b|\b(?:unable|not|cannot)\b.{0,40}\brelay",
    re.IGNORECASE | re.DOTALL,
)
# Unknown command, bad sequence; takes no mail at all; authentication and encryption wanted (RFC 5321, 7504, 4954).
_NEVER_THE_RECIPIENT = (500, 502, 503, 521, 530, 534, 535, 538)
_CLOSES, _FOR_GOOD, _TOO_LARGE = 421, 500, 552
_ABOUT_AN_ADDRESS, _MAIL_SYSTEM, _CONTENT, _POLICY = 1, 3, 6, 7


def meaning(code: int, reply: str) -> Exception:
    """Of an answer other than yes, to RCPT, DATA or the final dot."""
    said, subject = f"{code} {reply}", _subject(reply)
    if code in _NEVER_THE_RECIPIENT or (subject != _ABOUT_AN_ADDRESS and _OURS.search(reply)):
        return RefusesUs(said)
    if code < _FOR_GOOD:
        return TryAgain(said)
    return RefusedByPolicy(said) if subject == _POLICY else Refused(said)


def meaning_before_a_recipient(code: int, reply: str) -> Exception:
    """Of an answer to MAIL: who may send is no matter of this mail; its size and its letters are (RFC 1870, 6531)."""
    if code == _TOO_LARGE or (code >= _FOR_GOOD and _subject(reply) in (_MAIL_SYSTEM, _CONTENT)):
        return Refused(f"{code} {reply}")
    return RefusesUs(f"{code} {reply}") if code >= _FOR_GOOD else ServerAway(f"{code} {reply}")


def closes(code: int) -> bool:
    """The service closes the channel, whatever the mail was (RFC 5321, 3.8), or answers what is no answer."""
    return code == _CLOSES or code < 0


def _subject(reply: str) -> int | None:
    found = _ENHANCED.search(reply)
    return int(found[1]) if found else None
