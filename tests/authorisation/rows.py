"""The words of the table: who is let in at a route, and what everybody else is answered."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Literal

LINKS = ("registration", "sign_up", "attendee", "profile", "contact", "unsubscribe", "sign_in", "confirmation")
OPENING_NOTHING = ("introduction", "calendar")  # no route knows these links yet
TOKENS = (
    *("contact person", "member", "manager", "other member", "other manager"),
    *("organiser", "member of the organiser", "other organiser", "door", "integration", "admin"),
)
KEYS = tuple(f"{which}{name} link" for name in LINKS for which in ("", "other ", "outdated ")) + tuple(
    f"{name} link" for name in OPENING_NOTHING
)
# What other systems and doors show. The door keys name the event at hand, and another of the same organisation.
API_KEYS = ("door key", "other door key", "integration key", "personal data key")
# Whoever signed in, by a page's cookie: the manager of the one concerned, another's, an organiser, the secretariat.
SIGNED_IN = ("signed-in manager", "signed-in stranger", "signed-in organiser", "signed-in admin")
CALLERS = ("nobody", "invalid token", "invalid key", "revoked key", *TOKENS, *API_KEYS, *SIGNED_IN, *KEYS)

Answer = int | Literal["let in"]
LET_IN: Answer = "let in"


@dataclass(frozen=True, slots=True)
class Row:
    """What one route answers. An `outdated` link is told so (410) where it was let in before it was replaced.

    `let_in` are statuses of who may, besides all below 400: what the route itself has to say to the request.
    """

    answers: Mapping[str, Answer]
    let_in: tuple[int, ...] = ()
    page: bool = False

    def answer_to(self, caller: str) -> Answer:
        return self.answers[caller]

    def agrees(self, caller: str, status: int) -> bool:
        expected = self.answers[caller]
        return (status < 400 or status in self.let_in) if expected == LET_IN else status == expected


def may(
    *callers: str | tuple[str, ...],
    others: int = 404,
    nobody: int = 401,
    but: Mapping[str, Answer] | None = None,
    let_in: tuple[int, ...] = (),
) -> Row:
    """These are let in; `others` is 403 for who may see the thing but not do this, 404 for who may not see it."""
    names = _flat(callers)
    answers: dict[str, Answer] = dict.fromkeys(CALLERS, others)
    answers |= {"nobody": nobody, "invalid token": 401, "invalid key": 401, "revoked key": 401}
    # The cookie of a page says nothing to the interface.
    answers |= dict.fromkeys(SIGNED_IN, nobody)
    answers |= dict.fromkeys(names, LET_IN)
    answers |= {f"outdated {name}": 410 for name in names if f"outdated {name}" in CALLERS}
    return Row(answers | dict(but or {}), let_in)


def anybody(but: Mapping[str, Answer] | None = None) -> Row:
    """Open to all, but for credentials that are none: whoever shows some hears that they are not read."""
    answers: dict[str, Answer] = dict.fromkeys(CALLERS, LET_IN)
    return Row(answers | {"invalid token": 401, "invalid key": 401, "revoked key": 401} | dict(but or {}))


def unasked(*let_in: int) -> Row:
    """Open to all; nobody's credentials are looked at."""
    return Row(dict.fromkeys(CALLERS, LET_IN), let_in)


def nothing() -> Row:
    """Nothing is there, whoever asks."""
    return Row(dict.fromkeys(CALLERS, 404))


def refused() -> Row:
    """What it wants was not begun, whoever asks."""
    return Row(dict.fromkeys(CALLERS, 401))


def page(
    *links: str,
    others: int = 404,
    signed_in: Collection[str] | None = None,
    but: Mapping[str, Answer] | None = None,
    let_in: tuple[int, ...] = (),
) -> Row:
    """A page of these mailed links. A token opens no page: who has no key's cookie is asked to follow the link.

    Where signing in opens it too, `signed_in` are the ones who are let in; else it says nothing.
    """
    answers = dict(may(*links, others=others).answers)
    answers |= dict.fromkeys(SIGNED_IN, 404 if signed_in is None else others)
    answers |= dict.fromkeys(signed_in or (), LET_IN)
    answers |= dict.fromkeys(("nobody", "invalid token", "invalid key", "revoked key", *TOKENS, *API_KEYS), 404)
    return Row(answers | dict(but or {}), let_in, page=True)


def own_page() -> Row:
    """A page of whoever has signed in."""
    return Row({**dict.fromkeys(CALLERS, 401), **dict.fromkeys(SIGNED_IN, LET_IN)}, page=True)


def _flat(callers: tuple[str | tuple[str, ...], ...]) -> tuple[str, ...]:
    names = tuple(name for each in callers for name in ((each,) if isinstance(each, str) else each))
    unknown = set(names) - set(CALLERS)
    assert not unknown, f"no such callers: {unknown}"
    return names


# Two names for things of one kind that are seen differently, and a query, tell rows of one route apart.
_SAME_ROUTE = {"{draft}": "{event}", "{hidden}": "{organisation}", "{erased}": "{organisation}"}


def route_of(line: str) -> str:
    """The route a row of the table is about."""
    plain = line.partition("?")[0]
    return re.sub(r"\{draft\}|\{hidden\}|\{erased\}", lambda found: _SAME_ROUTE[found[0]], plain)
