"""A token is taken only if our issuer signed it, for us, and it is not over."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest

from shared.access.keys import new_key_pair
from shared.access.tokens import Tokens
from shared.database import uuid7
from shared.problems import NotAuthenticated
from tests.support.callers import PRIVATE_KEY, PUBLIC_KEY, as_caller, tokens
from tests.support.services import Client

ORGANISATION = uuid7()


def claims(**changes: Any) -> dict[str, Any]:
    said = {
        "iss": "videnbro",
        "aud": "videnbro",
        "sub": "mette@example.org",
        "email": "mette@example.org",
        "roles": ["member"],
        "orgs": [str(ORGANISATION)],
        "exp": datetime.now(UTC) + timedelta(hours=1),
    }
    return {name: value for name, value in (said | changes).items() if value is not None}


def signed(**changes: Any) -> str:
    return jwt.encode(claims(**changes), PRIVATE_KEY, algorithm="EdDSA")


def part(content: dict[str, Any] | bytes) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content, default=str).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unsigned() -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(claims())}."


def signed_with_the_public_key_as_if_it_were_a_secret() -> str:
    body = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(claims())}"
    return f"{body}.{part(hmac.digest(PUBLIC_KEY.encode(), body.encode(), hashlib.sha256))}"


def with_another_payload() -> str:
    head, _, signature = signed().split(".")
    return f"{head}.{part(claims(roles=['admin']))}.{signature}"


def test_what_is_signed_is_read_back() -> None:
    token = tokens.sign(
        email="mette@example.org", roles=["manager", "organiser"], organisations=[ORGANISATION], name="Mette Holm"
    )
    caller = tokens.read(token)
    assert caller.roles == {"manager", "organiser"}
    assert caller.organisations == {ORGANISATION}
    assert (caller.email, caller.name) == ("mette@example.org", "Mette Holm")


def with_another_key() -> str:
    return jwt.encode(claims(), new_key_pair()[0], algorithm="EdDSA")


def over() -> str:
    return signed(exp=datetime.now(UTC) - timedelta(seconds=65))


def not_yet() -> str:
    return signed(nbf=datetime.now(UTC) + timedelta(hours=1))


@pytest.mark.parametrize("claim", [{"iat": 30}, {"nbf": 30}, {"exp": -30}], ids=["issued", "valid from", "valid until"])
def test_the_clocks_of_two_machines_may_differ_by_half_a_minute(claim: dict[str, int]) -> None:
    changes = {name: datetime.now(UTC) + timedelta(seconds=seconds) for name, seconds in claim.items()}
    assert tokens.read(signed(**changes)).email == "mette@example.org"


FORGED = (unsigned, signed_with_the_public_key_as_if_it_were_a_secret, with_another_payload, with_another_key)


@pytest.mark.parametrize("make", [*FORGED, over, not_yet])
def test_a_token_that_is_forged_or_not_of_this_hour_is_refused(make: Callable[[], str]) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.read(make())


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example.org"},
        {"iss": None},
        {"aud": "somebody-else"},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"roles": 7},
        {"orgs": ["not an id"]},
        {"orgs": [7]},
        {"email": {"not": "text"}},
    ],
    ids=str,
)
def test_a_token_that_says_something_else_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.read(signed(**changes))


@pytest.mark.parametrize("token", ["", "a.b.c", "é"])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(NotAuthenticated):
        tokens.read(token)


def test_a_role_that_nobody_has_heard_of_gives_nothing() -> None:
    assert tokens.read(signed(roles=["owner", "member"])).roles == {"member"}
    assert tokens.read(signed(roles="admin")).roles == frozenset()


def test_only_who_holds_the_private_key_signs() -> None:
    with pytest.raises(LookupError):
        Tokens(PUBLIC_KEY).sign(email="mette@example.org", roles=["admin"])
    with pytest.raises(NotAuthenticated):
        Tokens(None).read(signed())


@pytest.mark.parametrize("dialect", ["sqlite"])
@pytest.mark.parametrize("header", ["Bearer", "Bearer ", "Bearer x", "Basic bWV0dGU6eA==", "x", "bearer a.b.c"])
async def test_over_http_a_header_that_is_no_token_is_401(client: Client, header: str) -> None:
    answer = await client.get("/v1/me", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["type"]) == (401, "/problems/not-authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_over_http_a_token_that_is_over_is_401(client: Client) -> None:
    answer = await client.get("/v1/me", headers=as_caller("admin", lasts=timedelta(minutes=-2)))
    assert answer.status_code == 401
    assert "over" in answer.json()["detail"]
