"""Days and times as people write them."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.fields import Language
from shared.pages.language import clock, day, span, text_of

MORNING = datetime(2026, 12, 18, 7, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "words"),
    [("da", "fredag den 18. december 2026 kl. 08.52–11.00"), ("en", "Friday 18 December 2026, 08:52–11:00")],
)
def test_a_morning(language: Language, words: str) -> None:
    assert span(MORNING, datetime(2026, 12, 18, 10, tzinfo=UTC), "Europe/Copenhagen", language) == words


def test_an_event_over_midnight_names_both_days() -> None:
    ends_at = MORNING + timedelta(days=1)
    assert span(MORNING, ends_at, "Europe/Copenhagen", "da") == (
        "fredag den 18. december 2026 kl. 08.52 til lørdag den 19. december 2026 kl. 08.52"
    )


def test_another_zone_is_named() -> None:
    assert span(MORNING, MORNING + timedelta(hours=1), "America/Nuuk", "en").endswith("05:52–06:52 (America/Nuuk)")


def test_the_day_is_that_of_the_place() -> None:
    late = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert day(late, "Europe/Copenhagen", "da") == "fredag den 1. januar 2027"
    assert clock(late, "Europe/Copenhagen", "en") == "00:30"


def test_a_text_in_one_language_serves_both() -> None:
    assert text_of({"en": "Signing"}, "da") == "Signing"
    assert text_of({"da": "Underskrift", "en": "Signing"}, "da") == "Underskrift"
