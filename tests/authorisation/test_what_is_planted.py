"""The search for planted secrets finds what it is to find: a table that finds nothing must not be blind."""

from shared.access.links import Purpose
from shared.database import uuid7
from tests.authorisation.callers import Caller
from tests.authorisation.secrets import Planted, only
from tests.support.callers import links

ATTENDEE, OTHER = uuid7(), uuid7()
PLANTED = Planted({"jens@example.org": only("manager")}, mailing=only("contact person"))


def told(name: str, answer: str, key: str | None = None) -> list[str]:
    return PLANTED.read_by(name, Caller(key=key), "GET /v1/attendees/x", answer)


def test_a_secret_is_found_in_the_answer_of_who_may_not_read_it() -> None:
    answer = '{"email": "jens@example.org"}'
    assert told("member", answer) == ["jens@example.org"]
    assert told("manager", answer) == []
    assert PLANTED.read_by("member", Caller(), "GET /p/jens@example.org", answer) == []


def test_a_key_that_opens_more_than_its_reader_may_is_found() -> None:
    own, other = (links.key(Purpose.ATTENDEE, thing, 1) for thing in (ATTENDEE, OTHER))
    answer = f'{{"page": "https://events/p?key={other}"}}'
    assert len(told("attendee link", answer, own)) == 1
    assert len(told("manager", answer)) == 1
    assert told("attendee link", answer, other) == []
    assert told("contact person", answer) == []
    assert told("nobody", f"?key={links.key(Purpose.SIGN_UP, OTHER, 1)}") == []
    assert told("nobody", f"?key={'A' * 52}") == []
