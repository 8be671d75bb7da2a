"""The one door to Jinja for letters: facts become the line in the inbox, and the mail as text and as HTML.

Each topic has one template a language, so that text and HTML cannot say different things: `layout` and `parts` exist
once for each form, and shape the same words. A missing fact is an error, never an empty place.
"""

import textwrap
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.notify.tables import Event
from shared.contracts.message import Language
from shared.language import span, text_of

TEMPLATES = Path(__file__).parents[1] / "templates"
Form = Literal["line", "text", "html"]
_BETWEEN = "\x1e"
_WIDTH = 72
_LONGEST_SUBJECT, _LONGEST_LINE = 300, 1_000


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """An event as a letter in one language tells of it."""

    title: str
    status: str
    when: str
    where: str | None
    online_url: str | None
    reason: str | None
    organiser: str | None

    @classmethod
    def of(cls, event: Event, organiser: str | None, language: Language) -> "ShownEvent":
        return cls(
            title=text_of(event.title, language),
            status=event.status,
            when=span(event.starts_at, event.ends_at, event.timezone, language),
            where=where(event.venue),
            online_url=event.online_url,
            reason=text_of(event.cancel_reasons, language) if event.cancel_reasons else event.cancel_reason,
            organiser=organiser,
        )


@dataclass(frozen=True, slots=True)
class ShownBefore:
    """What an update changed, as it was; empty where nothing changed."""

    title: str
    when: str
    where: str
    online_url: str

    @property
    def anything(self) -> bool:
        return any((self.title, self.when, self.where, self.online_url))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a letter leads: an address, and whose or what it is."""

    href: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of one mail. They hold keys: never stored, never logged."""

    main: str | None = None
    tickets: tuple[Place, ...] = ()
    registrations: tuple[Place, ...] = ()
    profiles: tuple[Place, ...] = ()
    # Says that the address is the contact person's own, by a button on the page.
    confirmation: str | None = None
    inbox: str | None = None
    unsubscribe: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """What the inbox shows: one line each."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class MailWords:
    subject: str
    text: str
    html: str


def inbox_line(topic: str, language: Language, facts: Mapping[str, Any], event: ShownEvent | None) -> Line:
    subject, text = _render("line", topic, language, facts, event, Places()).split(_BETWEEN)
    return Line(_short(subject, _LONGEST_SUBJECT), _short(text, _LONGEST_LINE))


def mail_words(
    topic: str, language: Language, facts: Mapping[str, Any], event: ShownEvent | None, places: Places
) -> MailWords:
    subject, text = _render("text", topic, language, facts, event, places).split(_BETWEEN)
    html = _render("html", topic, language, facts, event, places)
    return MailWords(_short(subject, _LONGEST_SUBJECT), _without_gaps(text), html)


def _render(
    form: Form, topic: str, language: Language, facts: Mapping[str, Any], event: ShownEvent | None, places: Places
) -> str:
    template = _environment(form).get_template(f"{language}/{topic}.jinja")
    people = facts.get("people", ())
    return template.render(
        facts,
        between=_BETWEEN,
        language=language,
        event=event,
        places=places,
        counts=Counter(person["status"] for person in people),
        was=_was(facts.get("before") or {}, language),
    )


@lru_cache(maxsize=3)
def _environment(form: Form) -> Environment:
    forms: tuple[Form, ...] = ("line", "text") if form == "line" else (form,)
    environment = Environment(
        loader=FileSystemLoader([*(TEMPLATES / each for each in forms), TEMPLATES]),
        autoescape=form == "html",  # noqa: S701 -- the other forms are plain text
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {"paragraph": _paragraph, "quoted": _quoted, "text_of": text_of}
    return environment


def _was(before: Mapping[str, Any], language: Language) -> ShownBefore:
    title = text_of(before["title"], language) if "title" in before else ""
    when = ""
    if "starts_at" in before:
        starts_at, ends_at = (datetime.fromisoformat(before[name]) for name in ("starts_at", "ends_at"))
        when = span(starts_at, ends_at, before["timezone"], language)
    return ShownBefore(title, when, where(before.get("venue")) or "", before.get("online_url") or "")


def where(venue: Mapping[str, Any] | None) -> str | None:
    if venue is None:
        return None
    return ", ".join(part for name in ("name", "address", "city") if (part := venue.get(name)))


def _short(text: str, longest: int) -> str:
    """One line, cut at a word."""
    line = " ".join(text.split())
    return line if len(line) <= longest else textwrap.shorten(line, longest, placeholder=" …")


def _paragraph(text: str) -> str:
    return textwrap.fill(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)


def _quoted(text: str) -> str:
    """What somebody wrote, its lines kept."""
    return "\n".join(
        f"> {line}".rstrip()
        for paragraph in text.splitlines()
        for line in textwrap.wrap(paragraph, _WIDTH, break_long_words=False) or [""]
    )


def _without_gaps(text: str) -> str:
    """One empty line between paragraphs, none at the ends."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.strip() or (lines and lines[-1]):
            # The two dashes and a space before a footer are a sign to mail readers.
            lines.append(line if line == "-- " else line.rstrip())
    return "\n".join(lines).strip() + "\n"
