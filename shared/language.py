"""Text in a person's language: the one that is there, and days and times as Danes and English readers write them."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from shared.fields import Language

LANGUAGES: tuple[Language, ...] = ("da", "en")


def text_of(texts: Mapping[str, str], language: Language) -> str:
    """The text in that language, else in the one there is."""
    return texts.get(language) or next(iter(texts.values()))


_DAYS = {
    "da": ("mandag", "tirsdag", "onsdag", "torsdag", "fredag", "lørdag", "søndag"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}

_MONTHS = {
    "da": (
        *("januar", "februar", "marts", "april", "maj", "juni", "juli"),
        *("august", "september", "oktober", "november", "december"),
    ),
    "en": (
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
}

_HOME = "Europe/Copenhagen"


def day(at: datetime, timezone: str, language: Language) -> str:
    """fredag den 18. december 2026; Friday 18 December 2026."""
    local = at.astimezone(ZoneInfo(timezone))
    weekday, month = _DAYS[language][local.weekday()], _MONTHS[language][local.month - 1]
    between = " den {}. " if language == "da" else " {} "
    return f"{weekday}{between.format(local.day)}{month} {local.year}"


def clock(at: datetime, timezone: str, language: Language) -> str:
    """08.52; 08:52."""
    return at.astimezone(ZoneInfo(timezone)).strftime("%H.%M" if language == "da" else "%H:%M")


def span(starts_at: datetime, ends_at: datetime, timezone: str, language: Language) -> str:
    """fredag den 18. december 2026 kl. 08.52–11.00. Names the zone where it is not Denmark's."""
    at, to = (" kl. ", " til ") if language == "da" else (", ", " to ")
    first, last = day(starts_at, timezone, language), day(ends_at, timezone, language)
    start, end = clock(starts_at, timezone, language), clock(ends_at, timezone, language)
    zone = "" if timezone == _HOME else f" ({timezone})"
    return f"{first}{at}{start}" + (f"–{end}" if first == last else f"{to}{last}{at}{end}") + zone
