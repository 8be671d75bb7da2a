"""Every letter can be worded in both languages, with all its facts and with as few as there may be."""

import re
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from services.notify.letters.letter import TOPICS, Topic
from services.notify.letters.wording import TEMPLATES, Place, Places, ShownEvent, inbox_line, mail_words
from services.notify.tables import Event
from shared.contracts.events import AttendeeStatus
from shared.contracts.message import Language
from shared.database import uuid7

BOTH = pytest.mark.parametrize("language", get_args(Language))
STATUSES: tuple[AttendeeStatus, ...] = get_args(AttendeeStatus)


def event(**changes: Any) -> Event:
    facts: dict[str, Any] = {
        "id": uuid7(),
        "organisation_id": uuid7(),
        "version": 1,
        "slug": "alliancen",
        "status": "published",
        "title": {"da": "Alliancen", "en": "The alliance"},
        "starts_at": datetime(2019, 5, 17, 7, 0, tzinfo=UTC),
        "ends_at": datetime(2019, 5, 17, 9, 0, tzinfo=UTC),
        "timezone": "Europe/Copenhagen",
        "venue": {"name": "Helix Lab", "city": "Kalundborg"},
        "online_url": "https://example.org/live",
    }
    return Event(**{**facts, **changes})


def person(status: str, name: str | None = "Jens Lund") -> dict[str, Any]:
    return {"id": str(uuid7()), "name": name, "status": status, "position": 2, "own": True}


def change(start: str | None, end: str, **more: Any) -> dict[str, Any]:
    facts = {"name": "Jens Lund", "position": 1, "replaced": False, "named": False, "previous_name": None}
    return {**facts, "from": start, "to": end, **more}


CHANGES = [
    *(change("waitlisted", status) for status in STATUSES),
    *(change("pending", status, name=None) for status in STATUSES),
    change(None, "confirmed"),
    change("confirmed", "confirmed", replaced=True, previous_name="Karen Bay"),
    change("confirmed", "confirmed", named=True),
]
FULL: dict[str, Any] = {
    "name": "Mette Holm",
    "reference": "KLB-4711",
    "organisation": "Enzymværket ApS",
    "contact_name": "Mette Holm",
    "people": [person(status) for status in STATUSES],
    "changes": CHANGES,
    "before": {
        "title": {"da": "Før", "en": "Before"},
        "starts_at": "2019-05-16T07:00:00Z",
        "ends_at": "2019-05-17T09:00:00+00:00",
        "timezone": "Europe/Helsinki",
        "venue": {"name": "Rådhuset", "city": None},
        "online_url": None,
    },
    "reason": "created",
    "other": "Målelaboratoriet",
    "summary": {"en": "We measure."},
    "message": "Hej.\n\nVi glæder os.",
    "proposal": "I bør tale sammen.",
    "explanation": {"da": "I passer sammen.", "en": "You fit."},
    "partners": [
        {"name": f"Partner {each}", "explanation": {"da": "I passer.", "en": "You fit."}} for each in range(5)
    ],
    "more": 7,
    "contacts": [{"name": "Rikke Ek", "title": "Leder", "email": "rikke@example.org", "phone": "+45 1"}],
}
SPARSE: dict[str, Any] = {
    **FULL,
    "name": None,
    "organisation": None,
    "partners": [{"name": "Målelaboratoriet", "explanation": {"da": "I passer."}}],
    "more": 0,
    "people": [person("confirmed", None)],
    "changes": [change("confirmed", "cancelled", name=None)],
    "before": {},
    "reason": "lost",
    "summary": None,
    "message": None,
    "proposal": None,
    "explanation": None,
    "contacts": [],
}
PLACES = Places(
    main="http://example.org/main?key=abc",
    tickets=(Place("http://example.org/t/ABC", "Jens Lund"), Place("http://example.org/t/DEF")),
    registrations=(Place("http://example.org/r", "Alliancen"),),
    profiles=(Place("http://example.org/o", "Enzymværket ApS"),),
    inbox="http://example.org/inbox",
)
FEW_PLACES = Places(main="http://example.org/main?key=abc", inbox="http://example.org/inbox")


def test_every_topic_has_its_template_in_both_languages() -> None:
    for language in get_args(Language):
        templates = {path.stem for path in (TEMPLATES / language).glob("*.jinja")} - {"words"}
        assert templates == set(TOPICS)


@BOTH
@pytest.mark.parametrize("topic", TOPICS)
def test_every_letter_can_be_worded(topic: Topic, language: Language) -> None:
    of_organisations = topic.startswith(("profile", "introduction", "suggestions"))
    sparse = {**SPARSE, "organisation": "Enzymværket ApS"} if of_organisations else SPARSE
    for facts, places in ((FULL, PLACES), (sparse, FEW_PLACES)):
        for happening in (
            event(),
            event(venue=None, online_url=None),
            event(status="cancelled", cancel_reason="Sygdom"),
        ):
            shown = ShownEvent.of(happening, "Knowledge Hub Zealand", language)
            line = inbox_line(topic, language, facts, shown)
            words = mail_words(topic, language, facts, shown, places)
            assert line.subject == words.subject
            assert line.subject
            assert line.text
            for text in (line.subject, line.text, words.text):
                assert not re.search(r"\bNone\b|\{\{|\}\}|<[a-z]+", text)
                assert "  " not in text.replace("\n", "")
            assert "\n\n\n" not in words.text
            assert words.html.count("<table") == words.html.count("</table>")
            for sentence in re.findall(r"[A-ZÆØÅ][a-zæøå, ]{25,}\.", words.text.replace("\n", " ")):
                assert sentence in re.sub(r"\s+", " ", words.html)


@BOTH
def test_what_people_wrote_cannot_become_html(language: Language) -> None:
    facts = {**FULL, "message": "<img src=x>", "other": "<b>Lab</b>", "name": "<script>alert(1)</script>"}
    words = mail_words("introduction_completed", language, facts, None, PLACES)
    for tag in ("<img", "<b>", "<script"):
        assert tag not in words.html
        assert tag in words.text


@BOTH
def test_a_missing_fact_is_an_error_and_not_an_empty_place(language: Language) -> None:
    shown = ShownEvent.of(event(), None, language)
    facts = {name: fact for name, fact in FULL.items() if name != "reference"}
    with pytest.raises(Exception, match="'reference' is undefined"):
        mail_words("registration_created", language, facts, shown, PLACES)


def test_a_text_in_one_language_serves_readers_of_both() -> None:
    shown = ShownEvent.of(event(title={"da": "Kun på dansk"}), None, "en")
    assert inbox_line("event_published", "en", {}, shown).subject == "Published: Kun på dansk"


def test_times_are_written_as_a_dane_writes_them() -> None:
    shown = ShownEvent.of(event(starts_at=datetime(2019, 5, 17, 6, 52, tzinfo=UTC)), None, "da")
    assert shown.when == "fredag den 17. maj 2019 kl. 08.52–11.00"


def test_a_company_is_written_to_as_one() -> None:
    """`I` to a company: letters about profiles and introductions never say `du`, but for who asked to take one over."""
    for topic in [each for each in TOPICS if each.startswith("introduction")]:
        text = mail_words(topic, "da", FULL, None, PLACES).text
        assert not re.search(r"\b(du|dig|din|dit|dine)\b", text, re.IGNORECASE)


def test_a_very_long_title_is_cut_at_a_word() -> None:
    shown = ShownEvent.of(event(title={"da": "Meget " * 100}), None, "da")
    subject = inbox_line("event_published", "da", {}, shown).subject
    assert len(subject) <= 300
    assert subject.endswith("Meget …")
