"""The colours of pages can be read, by day and by night (WCAG 2.2: 4.5 to 1 for text)."""

import re
from pathlib import Path

import pytest

import shared.pages

STYLE = (Path(shared.pages.__file__).parents[1] / "templates" / "style.css").read_text()
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in STYLE.split("@media", 2)[:2])
READ_ON = [
    *((ink, ground) for ink in ("ink", "quiet", "deep") for ground in ("paper", "ground")),
    *(("ink", well) for well in ("well", "good-well", "wait-well", "bad-well")),
    ("good", "good-well"),
    ("wait", "wait-well"),
    ("bad", "bad-well"),
    ("bad", "paper"),
    ("on-deep", "deep"),
    ("paper", "bad"),
]


def luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["day", "night"])
@pytest.mark.parametrize(("ink", "ground"), READ_ON)
def test_text_stands_out(colours: dict[str, str], ink: str, ground: str) -> None:
    assert contrast(colours[ink], colours[ground]) >= 4.5
