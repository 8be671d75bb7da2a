"""Which language a page speaks."""

from fastapi import Request

from shared.fields import Language
from shared.language import LANGUAGES

LANGUAGE_COOKIE = "videnbro_language"
_BY_NAME: dict[str | None, Language] = {"da": "da", "en": "en"}


def page_language(request: Request, own: str | None = None) -> Language:
    """The address's `language`, else the cookie's, the person's own, the browser's first of ours, else Danish."""
    asked = (request.query_params.get("language"), request.cookies.get(LANGUAGE_COOKIE), own)
    chosen = next((_BY_NAME[name] for name in asked if name in _BY_NAME), None)
    return chosen or accepted_language(request.headers.get("Accept-Language", ""))


def accepted_language(header: str) -> Language:
    """The one of ours that an Accept-Language header likes best; Danish if it likes none."""
    liked: dict[Language, float] = {}
    for part in header.split(","):
        tag, _, weight = part.strip().partition(";q=")
        for language in LANGUAGES:
            if tag.lower().partition("-")[0] == language:
                liked[language] = max(liked.get(language, 0.0), _weight(weight))
    return max(liked, key=lambda language: liked[language]) if any(liked.values()) else "da"


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0
