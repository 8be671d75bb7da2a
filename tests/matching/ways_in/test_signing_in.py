"""Signing in by mail: what nobody learns, what the link gives once, and when it is over."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import jwt
import pytest
from sqlalchemy import update
from sqlmodel import select

from services.matching.tables import Base, SignIn
from shared.access.links import Purpose
from shared.contracts.matching import SignInRequested
from shared.fields import utc_now
from shared.pages.visitors import KEY_COOKIE, RENEWAL, SIGN_IN_COOKIE
from tests.matching.builders import ADMIN, Row, make, told
from tests.support.callers import links, tokens
from tests.support.services import Client, eventually

METTE = "mette@gaerhuset.example.org"
PAGE = "/p/matching/sign-in"


async def member(client: Client, organisation: Row, email: str = METTE, role: str = "member") -> Row:
    person = {"name": "Mette Holm", "email": email, "role": role, "language": "en"}
    added = await client.post(f"/v1/organisations/{organisation['id']}/members", json=person, headers=ADMIN)
    assert added.status_code == 201, added.text
    found: Row = added.json()
    return found


async def ask(client: Client, email: str = METTE) -> Any:
    return await client.post("/v1/sign-in", json={"email": email})


async def asked_and_looked_at(client: Client) -> None:
    async def none_waits() -> bool:
        async with client.app.state.database.reading() as session:
            waiting = select(SignIn).where(SignIn.mailed_at == None, SignIn.begun_at == None)  # noqa: E711
            return (await session.exec(waiting)).first() is None

    await eventually(none_waits)


async def mailed_key(client: Client, email: str = METTE) -> str:
    """As notify derives it from what it is told."""
    before = len(await told(client, SignInRequested))
    await ask(client, email)

    async def newest() -> Row | None:
        found = await told(client, SignInRequested)
        return found[-1] if len(found) > before else None

    message = await eventually(newest)
    assert message is not None
    return links.key(Purpose.SIGN_IN, UUID(message["sign_in_id"]), 1)


async def redeem(client: Client, key: str) -> Any:
    return await client.post("/v1/sign-in/redeem", params={"key": key})


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def change_sign_ins(client: Client, **values: Any) -> None:
    async with client.app.state.database.transaction() as session:
        await (await session.connection()).execute(update(Base.metadata.tables["sign_ins"]).values(values))


async def test_the_answer_is_the_same_whoever_has_the_address_and_only_members_are_mailed(client: Client) -> None:
    await member(client, await make(client, "Gærhuset"))
    known, unknown = await ask(client, METTE.upper()), await ask(client, "nobody@example.org")
    assert (known.status_code, known.text) == (unknown.status_code, unknown.text)
    assert known.status_code == 202
    await asked_and_looked_at(client)
    (message,) = await told(client, SignInRequested)
    assert (message["email"].lower(), message["name"], message["language"]) == (METTE, "Mette Holm", "en")
    async with client.app.state.database.reading() as session:
        assert [each.email_key for each in await session.exec(select(SignIn))] == [METTE]


async def test_the_mailed_link_gives_a_token_of_an_hour_once(client: Client) -> None:
    own, stranger = await make(client, "Gærhuset"), await make(client, "Bageriet")
    await member(client, own)
    key = await mailed_key(client)
    begun = await redeem(client, key)
    assert (begun.status_code, begun.headers["Cache-Control"]) == (200, "no-store")
    assert begun.json()["organisations"] == [{"id": own["id"], "roles": ["member"]}]
    claims = jwt.decode(begun.json()["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 3600
    for organisation, status in ((own, 200), (stranger, 403)):
        path = f"/v1/organisations/{organisation['id']}/suggestions"
        assert (await client.get(path, headers=bearer(begun.json()["token"]))).status_code == status
    assert (await redeem(client, key)).status_code == 410


async def test_a_role_in_one_organisation_is_none_in_another(client: Client) -> None:
    managed, other = await make(client, "Gærhuset"), await make(client, "Bageriet")
    await member(client, managed, role="manager")
    await member(client, other)
    token = (await redeem(client, await mailed_key(client))).json()["token"]
    for organisation, status in ((managed, 200), (other, 403)):
        answer = await client.get(f"/v1/organisations/{organisation['id']}/members", headers=bearer(token))
        assert answer.status_code == status


async def test_a_merged_organisation_keeps_the_roles_apart(client: Client) -> None:
    merged, into, other = [await make(client, name) for name in ("Gærhuset", "Gærhuset ApS", "Bageriet")]
    await member(client, merged, role="manager")
    await member(client, other)
    token = (await redeem(client, await mailed_key(client))).json()["token"]
    await client.post(f"/v1/organisations/{merged['id']}/merge", json={"into": into["id"]}, headers=ADMIN)
    for organisation, status in ((into, 200), (other, 403)):
        answer = await client.get(f"/v1/organisations/{organisation['id']}/members", headers=bearer(token))
        assert answer.status_code == status


async def test_a_link_that_is_too_old_or_of_another_kind_signs_nobody_in(client: Client) -> None:
    own = await make(client, "Gærhuset")
    await member(client, own)
    key = await mailed_key(client)
    await change_sign_ins(client, asked_at=utc_now() - timedelta(minutes=31))
    assert (await redeem(client, key)).status_code == 410
    profile = links.key(Purpose.PROFILE, UUID(own["id"]), 1)
    assert (await redeem(client, profile)).status_code == 404
    assert (await redeem(client, links.key(Purpose.SIGN_IN, UUID(own["id"]), 1))).status_code == 410


async def test_nobody_is_mailed_more_than_a_few_links_an_hour(client: Client) -> None:
    await member(client, await make(client, "Gærhuset"))
    for _ in range(6):
        assert (await ask(client)).status_code == 202
    await asked_and_looked_at(client)
    assert len(await told(client, SignInRequested)) == 3


async def signed_in(client: Client) -> None:
    """By the page, as a browser does it."""
    client.cookies.clear()
    opened = await client.get(PAGE, params={"key": await mailed_key(client)}, follow_redirects=True)
    assert opened.status_code == 200
    done = await client.post(f"{PAGE}/redeem", data={"proof": proof_in(opened.text)})
    assert done.status_code == 303, done.text


def proof_in(page: str) -> str:
    found = re.search(r'name="proof" value="(\w+)"', page)
    assert found is not None, page
    return found[1]


async def test_the_page_of_the_mail_only_shows_and_its_button_signs_in(client: Client) -> None:
    own = await make(client, "Gærhuset", published=False)
    await member(client, own)
    key = await mailed_key(client)
    for _ in range(2):
        opened = await client.get(PAGE, params={"key": key}, follow_redirects=True)
    assert SIGN_IN_COOKIE not in client.cookies
    assert (await client.post(f"{PAGE}/redeem", data={"proof": "of another"})).status_code == 403
    done = await client.post(f"{PAGE}/redeem", data={"proof": proof_in(opened.text)})
    (cookie,) = [each for each in done.headers.get_list("set-cookie") if each.startswith(SIGN_IN_COOKIE)]
    assert {"HttpOnly", "SameSite=lax", "Path=/p/", "Max-Age=3600"} <= set(cookie.split("; "))
    me = await client.get("/p/matching/me")
    assert (me.status_code, me.headers["Cache-Control"]) == (200, "no-store")
    assert own["id"] in me.text
    assert (await client.get(f"/p/matching/organisations/{own['id']}")).status_code == 200
    client.cookies.set(KEY_COOKIE, key, path=PAGE)
    again = await client.post(f"{PAGE}/redeem", data={"proof": proof_in(opened.text)})
    assert (again.status_code, "Få et nyt her" in again.text) == (410, True)


async def test_a_cookie_of_the_page_opens_nothing_of_the_interface(client: Client) -> None:
    own = await make(client, "Gærhuset")
    await member(client, own)
    await signed_in(client)
    token = client.cookies[SIGN_IN_COOKIE]
    answer = await client.get("/v1/introductions", headers={"Cookie": f"{SIGN_IN_COOKIE}={token}"})
    assert answer.status_code == 401


async def test_signing_out_ends_the_cookie_and_what_could_follow_it(client: Client) -> None:
    await member(client, await make(client, "Gærhuset"))
    await signed_in(client)
    token = client.cookies[SIGN_IN_COOKIE]
    me = await client.get("/p/matching/me")
    assert (await client.post(f"{PAGE}/sign-out", data={"proof": "none"})).status_code == 403
    assert (await client.post(f"{PAGE}/sign-out", data={"proof": proof_in(me.text)})).status_code == 303
    assert (await client.get("/p/matching/me")).status_code == 401
    renewed = await client.get(RENEWAL, headers={"Cookie": f"{SIGN_IN_COOKIE}={token}"})
    assert "Max-Age=0" in renewed.headers["set-cookie"]


@pytest.fixture
def half_an_hour_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.access.tokens.Tokens.is_half_over", lambda self, token: True)


async def test_a_page_that_is_used_leads_over_the_next_token_and_back(client: Client, half_an_hour_later: None) -> None:
    own = await make(client, "Gærhuset")
    await member(client, own)
    await signed_in(client)
    due = await client.get(f"/p/matching/organisations/{own['id']}", params={"language": "en", "path": "a b"})
    assert due.status_code == 303
    renewed = await client.get(due.headers["Location"].removeprefix("http://127.0.0.1:8002"))
    page = f"http://127.0.0.1:8002/p/matching/organisations/{own['id']}"
    assert renewed.headers["Location"] == f"{page}?language=en&path=a+b"
    assert "Max-Age=3600" in renewed.headers["set-cookie"]


async def test_no_token_follows_for_who_is_no_member_any_more_or_after_a_day_of_work(client: Client) -> None:
    own = await make(client, "Gærhuset")
    added = await member(client, own)
    await signed_in(client)
    token = {"Cookie": f"{SIGN_IN_COOKIE}={client.cookies[SIGN_IN_COOKIE]}"}
    client.cookies.clear()
    assert "Max-Age=3600" in (await client.get(RENEWAL, headers=token)).headers["set-cookie"]
    await change_sign_ins(client, begun_at=utc_now() - timedelta(hours=13))
    assert "Max-Age=0" in (await client.get(RENEWAL, headers=token)).headers["set-cookie"]
    await change_sign_ins(client, begun_at=utc_now())
    await client.delete(f"/v1/organisations/{own['id']}/members/{added['id']}", headers=ADMIN)
    assert "Max-Age=0" in (await client.get(RENEWAL, headers=token)).headers["set-cookie"]


@pytest.mark.parametrize("path", ["https://elsewhere.example.org/", "//elsewhere.example.org", "/v1/organisations"])
async def test_a_renewal_leads_to_no_page_but_ours(client: Client, path: str) -> None:
    assert (await client.get(RENEWAL, params={"path": path})).status_code == 422


async def test_a_token_that_was_not_made_by_signing_in_is_no_cookie(client: Client) -> None:
    own = await make(client, "Gærhuset")
    token = tokens.sign(email=METTE, roles=["member"], organisations=[UUID(own["id"])])
    answer = await client.get(f"/p/matching/organisations/{own['id']}", headers={"Cookie": f"{SIGN_IN_COOKIE}={token}"})
    assert answer.status_code == 404
