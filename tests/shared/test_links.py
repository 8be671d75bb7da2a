"""A key opens one thing, for as long as it should, and only as it was written."""

import string
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.access.caller import Caller
from shared.access.links import NAMES, SHARES, Links, Purpose, share_of, ticket_hash
from shared.http.lists import read_cursor, write_cursor
from shared.problems import Invalid, LinkExpired, NotAllowed, NotAuthenticated, NotFound
from shared.settings import ServiceName
from tests.support.callers import as_caller, links
from tests.support.services import Client

THING = UUID("01935b1e-0000-7000-8000-00000000002a")
ALPHABET = string.ascii_letters + string.digits + "-_+/=%. é\0"


def test_a_key_says_what_it_opens() -> None:
    key = links.key(Purpose.ATTENDEE, THING, 3, datetime.now(UTC) + timedelta(hours=1))
    assert len(key) == 52
    assert set(key) <= set(string.ascii_letters + string.digits + "-_")
    link = links.read(key)
    assert (link.purpose, link.id, link.version) == (Purpose.ATTENDEE, THING, 3)


def test_no_character_of_a_key_can_be_another() -> None:
    key = links.key(Purpose.REGISTRATION, THING, 1)
    for place, character in enumerate(key):
        for other in set(ALPHABET) - {character}:
            with pytest.raises(NotFound):
                links.read(key[:place] + other + key[place + 1 :])


def test_nothing_can_be_added_to_a_key_or_left_out() -> None:
    key = links.key(Purpose.REGISTRATION, THING, 1)
    for altered in ("", key[:-1], key[1:], key + "A", key + "=", key + "\n", " " + key, key[:20] + "!" + key[20:], "é"):
        with pytest.raises(NotFound):
            links.read(altered)


def test_a_key_of_another_cluster_opens_nothing() -> None:
    with pytest.raises(NotFound):
        links.read(Links("another secret").key(Purpose.REGISTRATION, THING, 1))


def test_a_key_is_over_at_its_time_and_not_before() -> None:
    now = datetime.now(UTC)
    assert links.read(links.key(Purpose.CONTACT, THING, 1, now + timedelta(hours=1))).id == THING
    with pytest.raises(LinkExpired):
        links.read(links.key(Purpose.CONTACT, THING, 1, now - timedelta(seconds=2)))


def test_a_key_of_an_older_version_is_revoked() -> None:
    caller = Caller(link=links.read(links.key(Purpose.PROFILE, THING, 1)))
    assert caller.holds(Purpose.PROFILE, THING, 1)
    with pytest.raises(LinkExpired):
        caller.holds(Purpose.PROFILE, THING, 2)


def test_a_key_opens_nothing_but_its_own_thing() -> None:
    caller = Caller(link=links.read(links.key(Purpose.ATTENDEE, THING, 1)))
    other = UUID(int=THING.int + 1)
    assert not caller.holds(Purpose.REGISTRATION, THING, 1)
    assert not caller.holds(Purpose.ATTENDEE, other, 1)


@pytest.mark.parametrize("purpose", Purpose)
def test_each_purpose_has_keys_of_its_own(purpose: Purpose) -> None:
    others = {links.key(other, THING, 1) for other in Purpose if other is not purpose}
    assert links.key(purpose, THING, 1) not in others


def test_a_hand_over_makes_another_ticket_code() -> None:
    code = links.ticket_code(THING, 1)
    assert len(code) == 16
    assert code != links.ticket_code(THING, 2)
    assert code != Links("another secret").ticket_code(THING, 1)
    assert ticket_hash(f" {code.lower()} ") == ticket_hash(code)


def test_who_may_not_is_told_what_fits() -> None:
    with pytest.raises(NotAuthenticated):
        Caller().require(False)
    known = Caller(roles=frozenset({"member"}))
    with pytest.raises(NotFound):
        known.require(False)
    with pytest.raises(NotAllowed):
        known.require(False, may_see=True)
    known.require(True)


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_a_link_over_http(client: Client) -> None:
    key = links.key(Purpose.CONTACT, THING, 1)
    assert (await client.get("/v1/me", params={"key": key})).json()["link"] == "CONTACT"
    assert (await client.get("/v1/me", params={"key": key[:-1]})).status_code == 401
    over = links.key(Purpose.CONTACT, THING, 1, datetime.now(UTC) - timedelta(days=1))
    answer = await client.get("/v1/me", params={"key": over})
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/link-expired")


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_who_sends_both_is_who_the_token_says(client: Client) -> None:
    key = links.key(Purpose.CONTACT, THING, 1)
    answer = await client.get("/v1/me", params={"key": key}, headers=as_caller("admin"))
    assert answer.json() == {"email": "mette@example.org", "roles": ["admin"], "link": None}


def test_a_cursor_is_read_back_and_no_other_is_taken() -> None:
    cursor = write_cursor(links, ["2022-04-22", str(THING)])
    assert read_cursor(links, cursor) == ["2022-04-22", str(THING)]
    assert read_cursor(links, None) is None
    for altered in ("", "AAAA", cursor[:-2], cursor[:-1] + ("A" if cursor[-1] != "A" else "B"), "é", "\0"):
        with pytest.raises(Invalid, match=r"\?cursor"):
            read_cursor(links, altered)


def test_an_answer_is_kept_without_what_opens_its_links_and_given_again_with_it() -> None:
    key, other = links.key(Purpose.SIGN_UP, THING, 1), Links("another secret").key(Purpose.SIGN_UP, THING, 1)
    answer = f'{{"name": "key={other}", "links": ["https://x/p?key={key}", "https://x/v1?key={key}&a=1"]}}'.encode()
    kept = links.without_proofs(answer)
    assert key.encode() not in kept
    assert other.encode() in kept, "none of ours is left as it was written"
    assert links.with_proofs(kept) == answer


@pytest.mark.parametrize("service", SHARES)
def test_a_service_makes_and_reads_what_it_has_a_share_of_and_nothing_else(service: ServiceName) -> None:
    whole, share = Links("a secret of the cluster"), Links(share_of("a secret of the cluster", service))
    for purpose in Purpose:
        key = whole.key(purpose, THING, 1)
        if purpose.name.lower() in SHARES[service]:
            assert share.key(purpose, THING, 1) == key
            assert share.read(key).purpose is purpose
        else:
            with pytest.raises(NotFound):
                share.read(key)
            with pytest.raises(KeyError):
                share.key(purpose, THING, 1)
    assert share.form_proof("x") == whole.form_proof("x")


def test_notify_mails_every_link_and_holds_the_whole() -> None:
    assert share_of("a secret of the cluster", "notify") == "a secret of the cluster"
    assert {name for share in SHARES.values() for name in share} | {"contact", "unsubscribe"} == set(NAMES)
