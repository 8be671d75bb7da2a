"""Signing in by an identity provider, as a browser does it, against `oidc-provider-mock` on a real port."""

import base64
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import orjson
import pytest
from oidc_provider_mock import User, run_server_in_thread

from services.matching.app import create_app
from services.matching.pages.sign_in_elsewhere import COOKIE
from services.matching.settings import Settings
from shared.database import uuid7
from shared.pages.visitors import RENEWAL, SIGN_IN_COOKIE
from tests.matching.builders import ADMIN, make
from tests.support.callers import tokens
from tests.support.services import LONG_ENOUGH, Client, running, settings_for

HUB = uuid7()
ANNA = User(
    sub="anna",
    claims={
        "name": "Anna Berg",
        "email": "anna@hub.example.org",
        "email_verified": True,
        "groups": ["event-team"],
        "units": [str(HUB), str(uuid7())],
    },
)
BO = User(sub="bo", claims={"email": "bo@hub.example.org", "email_verified": False, "groups": [], "units": []})
SECRET = "a secret of ours & theirs"
BACK = "/p/matching/sign-in/back"


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    with run_server_in_thread(user_claims=[ANNA, BO]) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
async def client(provider: str, database_url: str) -> AsyncIterator[Client]:
    trusted: dict[str, Any] = {
        "key": "cluster",
        "title": "Klyngens login",
        "issuer": provider,
        "audience": "videnbro",
        "client_id": "videnbro-pages",
        "roles": {"event-team": "organiser"},
        "roles_claim": "groups",
        "organisations_claim": "units",
        "speaks_for": [HUB],
        "email_domains": ["hub.example.org"],
    }
    settings = settings_for(Settings, "matching", database_url, issuers=[trusted], issuer_secrets={"cluster": SECRET})
    async with running(create_app, settings) as client:
        yield client


async def leave(client: Client) -> str:
    """Where the browser is sent."""
    gone = await client.get("/p/matching/sign-in/with/cluster")
    assert gone.status_code == 303, gone.text
    return gone.headers["Location"]


async def there(address: str, user: User) -> dict[str, str]:
    """Signs in at the provider; what the browser brings back."""
    async with httpx.AsyncClient(timeout=LONG_ENOUGH) as browser:
        answer = await browser.post(address, data={"sub": user.sub})
    assert answer.status_code == 302, answer.text
    back = urlsplit(answer.headers["Location"])
    assert back.path == BACK
    return dict(parse_qsl(back.query))


async def come_back(client: Client, **query: str) -> httpx.Response:
    return await client.get(BACK, params=query)


async def test_who_signs_in_there_is_signed_in_here_as_what_the_provider_may_say(client: Client) -> None:
    page = await client.get("/p/matching/sign-in")
    assert "/p/matching/sign-in/with/cluster" in page.text
    back = await come_back(client, **await there(await leave(client), ANNA))
    assert (back.status_code, back.headers["Location"]) == (303, "/p/matching/me")
    me = await client.get("/p/matching/me")
    assert "Anna Berg" in me.text
    caller = tokens.read(client.cookies[SIGN_IN_COOKIE])
    assert (caller.email, set(caller.acts_as("organiser"))) == ("anna@hub.example.org", {HUB})
    assert "Max-Age=3600" in (await client.get(RENEWAL)).headers["set-cookie"]


async def test_what_members_are_counts_beside_it(client: Client) -> None:
    own = await make(client, "Gærhuset")
    person = {"name": "Anna Berg", "email": "Anna@hub.example.org", "role": "manager"}
    await client.post(f"/v1/organisations/{own['id']}/members", json=person, headers=ADMIN)
    await come_back(client, **await there(await leave(client), ANNA))
    caller = tokens.read(client.cookies[SIGN_IN_COOKIE])
    assert (set(caller.acts_as("manager")), set(caller.acts_as("organiser"))) == ({UUID(own["id"])}, {HUB})


async def test_the_browser_is_sent_with_a_challenge_and_words_of_its_own(client: Client, provider: str) -> None:
    asked = [dict(parse_qsl(urlsplit(await leave(client)).query)) for _ in range(2)]
    assert asked[0]["code_challenge_method"] == "S256"
    for name in ("state", "nonce", "code_challenge"):
        assert asked[0][name] != asked[1][name]
    assert asked[0]["redirect_uri"] == f"http://127.0.0.1:8002{BACK}"


async def test_an_answer_for_another_browser_or_another_time_signs_nobody_in(client: Client) -> None:
    mine = await there(await leave(client), ANNA)
    await leave(client)
    assert (await come_back(client, **mine)).status_code == 401
    again = await there(await leave(client), ANNA)
    kept = dict(client.cookies)
    client.cookies.clear()
    assert (await come_back(client, **again)).status_code == 401
    client.cookies.update(kept)
    assert (await come_back(client, **{**again, "iss": "https://elsewhere.example.org"})).status_code == 401
    assert (await come_back(client, **again)).status_code == 303
    client.cookies.update(kept)
    assert (await come_back(client, **again)).status_code == 401
    assert (await come_back(client, error="access_denied", state=again["state"])).status_code == 401


async def test_a_code_of_another_sign_in_is_found_out_by_challenge_and_nonce(client: Client) -> None:
    stolen = await there(await leave(client), ANNA)
    own = dict(parse_qsl(urlsplit(await leave(client)).query))
    assert (await come_back(client, code=stolen["code"], state=own["state"])).status_code == 401
    assert SIGN_IN_COOKIE not in client.cookies


async def test_a_token_for_another_word_of_ours_is_found_out(client: Client) -> None:
    """The nonce: what the browser kept is not what the provider was asked to put into its token."""
    brought = await there(await leave(client), ANNA)
    kept = orjson.loads(base64.urlsafe_b64decode(client.cookies[COOKIE].strip('"')))
    changed = base64.urlsafe_b64encode(orjson.dumps({**kept, "nonce": "another"})).decode()
    client.cookies.clear()
    answer = await client.get(BACK, params=brought, headers={"Cookie": f"{COOKIE}={changed}"})
    assert (answer.status_code, SIGN_IN_COOKIE in client.cookies) == (401, False)


async def test_an_address_the_provider_has_not_confirmed_signs_nobody_in(client: Client) -> None:
    assert (await come_back(client, **await there(await leave(client), BO))).status_code == 401
    assert SIGN_IN_COOKIE not in client.cookies
