"""Days and times as people write them."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from shared.fields import Language
from shared.language import clock, day, span, text_of
from shared.pages.markdown import markdown
from tests.support.services import LONG_ENOUGH

MORNING = datetime(2024, 12, 18, 7, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "words"),
    [("da", "onsdag den 18. december 2024 kl. 08.52–11.00"), ("en", "Wednesday 18 December 2024, 08:52–11:00")],
)
def test_a_morning(language: Language, words: str) -> None:
    assert span(MORNING, datetime(2024, 12, 18, 10, tzinfo=UTC), "Europe/Copenhagen", language) == words


def test_an_event_over_midnight_names_both_days() -> None:
    ends_at = MORNING + timedelta(days=1)
    assert span(MORNING, ends_at, "Europe/Copenhagen", "da") == (
        "onsdag den 18. december 2024 kl. 08.52 til torsdag den 19. december 2024 kl. 08.52"
    )


def test_another_zone_is_named() -> None:
    assert span(MORNING, MORNING + timedelta(hours=1), "America/Nuuk", "en").endswith("05:52–06:52 (America/Nuuk)")


def test_the_day_is_that_of_the_place() -> None:
    late = datetime(2024, 12, 31, 23, 30, tzinfo=UTC)
    assert day(late, "Europe/Copenhagen", "da") == "onsdag den 1. januar 2025"
    assert clock(late, "Europe/Copenhagen", "en") == "00:30"


def test_a_text_in_one_language_serves_both() -> None:
    assert text_of({"en": "Signing"}, "da") == "Signing"
    assert text_of({"da": "Underskrift", "en": "Signing"}, "da") == "Underskrift"


def test_a_description_is_shown_as_it_was_meant() -> None:
    written = (
        "## Program\n\n- kl. 9 **Kaffe**\n- kl. 10 Underskrift\n\nLæs mere\npå [siden](https://example.org/a?b=1&c=2)."
    )
    assert str(markdown(written)) == (
        "<h3>Program</h3>\n<ul><li>kl. 9 <strong>Kaffe</strong></li><li>kl. 10 Underskrift</li></ul>\n"
        '<p>Læs mere<br>på <a href="https://example.org/a?b=1&amp;c=2">siden</a>.</p>'
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "[x](javascript:alert(1))",
        '[x](https://example.org/"onclick="alert(1))',
        '**<img src=x onerror="alert(1)">**',
        "# <b>",
    ],
)
def test_a_description_holds_no_code(hostile: str) -> None:
    shown = str(markdown(hostile))
    assert set(re.findall(r"<(\w+)([^>]*)>", shown)) <= {("p", ""), ("h3", ""), ("strong", "")}


@pytest.mark.parametrize("piece", ["[", "**", "# ", "- ", "[a](https://", "\n\n", "* \n"])
def test_a_long_description_is_read_quickly(piece: str) -> None:
    """Fifty times the longest there is: work that grew with the square of it would not end."""
    code = f"from shared.pages.markdown import markdown; markdown({piece!r} * {1_000_000 // len(piece)})"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=LONG_ENOUGH)
