"""Tokens of another issuer: taken when it signed them for us and may speak for whom they name, else not."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import ValidationError

from shared.access import openid
from shared.access.caller import Caller
from shared.access.openid import Issuer, Issuers
from shared.database import uuid7
from shared.problems import NotAuthenticated, Unavailable
from shared.settings import TrustedIssuer
from tests.support.callers import tokens
from tests.support.issuer import AUDIENCE, TinyIssuer, running_issuer

HUB, OTHER = uuid7(), uuid7()


@pytest.fixture
def provider() -> Iterator[TinyIssuer]:
    with running_issuer() as issuer:
        yield issuer


def trusted(provider: TinyIssuer, **changes: Any) -> TrustedIssuer:
    told: dict[str, Any] = {
        "key": "cluster",
        "title": "The cluster",
        "issuer": provider.address,
        "audience": AUDIENCE,
        "speaks_for": [HUB],
        "email_domains": ["hub.example.org"],
        **changes,
    }
    return TrustedIssuer(**told)


@pytest.fixture
def issuer(provider: TinyIssuer) -> Issuer:
    return Issuer(trusted(provider))


async def refused(issuer: Issuer, token: str) -> bool:
    with pytest.raises(NotAuthenticated):
        await issuer.read(token)
    return True


async def test_its_roles_count_for_organisations_it_may_speak_for_alone(provider: TinyIssuer, issuer: Issuer) -> None:
    named = [str(HUB), str(OTHER), "none"]
    caller = await issuer.read(provider.sign(roles=["organiser", "admin", "king"], orgs=named))
    assert (set(caller.roles), set(caller.organisations)) == ({"organiser"}, {HUB})
    assert caller.organises(HUB)
    assert not caller.organises(OTHER)
    nobody = await issuer.read(provider.sign(roles=["organiser"], orgs=[str(OTHER)]))
    assert (nobody.roles, nobody.known) == (frozenset(), False)


async def test_only_an_issuer_that_speaks_for_all_makes_administrators(provider: TinyIssuer) -> None:
    everywhere = Issuer(trusted(provider, speaks_for="all"))
    assert (await everywhere.read(provider.sign(roles=["admin"]))).is_admin


async def test_its_own_words_and_claims_are_read_as_ours(provider: TinyIssuer) -> None:
    ours = Issuer(
        trusted(provider, roles={"event-team": "organiser"}, roles_claim="groups", organisations_claim="units")
    )
    caller = await ours.read(provider.sign(groups=["event-team", "manager"], units=str(HUB)))
    assert caller.organises(HUB)
    # A word of its own that happens to be one of ours says nothing here.
    assert not caller.manages(HUB)


@pytest.mark.parametrize(
    ("email", "verified", "known"),
    [
        ("anna@hub.example.org", True, "anna@hub.example.org"),
        ("anna@hub.example.org", False, None),
        ("anna@hub.example.org", "true", None),
        ("anna@hub.example.org", None, None),
        ("anna@other.example.org", True, None),
        ("anna@not-hub.example.org", True, None),
        ("anna", True, None),
        (["anna@hub.example.org"], True, None),
    ],
)
async def test_an_address_counts_where_it_is_confirmed_and_of_the_issuers_own_domains(
    provider: TinyIssuer, issuer: Issuer, email: Any, verified: Any, known: str | None
) -> None:
    assert (await issuer.read(provider.sign(email=email, email_verified=verified))).email == known


@pytest.mark.parametrize("claim", ["exp", "iss", "aud", "sub"])
async def test_a_token_says_when_from_whom_for_whom_and_of_whom(
    provider: TinyIssuer, issuer: Issuer, claim: str
) -> None:
    assert await refused(issuer, provider.sign(**{claim: None}))


@pytest.mark.parametrize("changes", [{"aud": "another"}, {"iss": "https://elsewhere.example.org"}])
async def test_a_token_for_or_of_somebody_else_is_refused(
    provider: TinyIssuer, issuer: Issuer, changes: dict[str, Any]
) -> None:
    assert await refused(issuer, provider.sign(**changes))


async def test_clocks_may_differ_by_a_minute_and_no_more(provider: TinyIssuer, issuer: Issuer) -> None:
    now = datetime.now(UTC)
    assert isinstance(await issuer.read(provider.sign(exp=now - timedelta(seconds=20))), Caller)
    assert await refused(issuer, provider.sign(exp=now - timedelta(seconds=90)))
    assert isinstance(await issuer.read(provider.sign(iat=now + timedelta(seconds=20))), Caller)
    assert await refused(issuer, provider.sign(nbf=now + timedelta(seconds=90)))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://elsewhere.example.org/keys"},
        {"x5u": "https://elsewhere.example.org/chain"},
        {"jwk": {"kty": "EC"}},
        {"x5c": ["MII"]},
        {"crit": ["b64"], "b64": False},
    ],
)
async def test_a_token_that_names_its_own_key_is_refused_unread(
    provider: TinyIssuer, issuer: Issuer, header: dict[str, Any]
) -> None:
    assert await refused(issuer, provider.sign(header=header))
    assert provider.asked == 0


def part(content: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


async def test_a_token_signed_by_nobody_or_as_if_the_key_were_a_secret_is_refused(
    provider: TinyIssuer, issuer: Issuer
) -> None:
    body = provider.sign().split(".")[1]
    assert await refused(issuer, f"{part({'alg': 'none', 'kid': 'one'})}.{body}.")
    secret = "published-" * 8
    claims = jwt.decode(provider.sign(), options={"verify_signature": False})
    assert await refused(issuer, jwt.encode(claims, secret, algorithm="HS256", headers={"kid": "one"}))
    assert await refused(issuer, "no.token.atall")


async def test_a_key_of_somebody_else_under_a_known_name_is_refused(provider: TinyIssuer, issuer: Issuer) -> None:
    await issuer.read(provider.sign())
    claims = jwt.decode(provider.sign(), options={"verify_signature": False})
    forged = jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), algorithm="ES256", headers={"kid": "one"})
    assert await refused(issuer, forged)


async def test_a_token_without_a_key_id_is_read_while_there_is_one_key(provider: TinyIssuer, issuer: Issuer) -> None:
    assert isinstance(await issuer.read(provider.sign(None)), Caller)
    provider.rotate("two", drop=False)
    fresh = Issuer(issuer.trusted)
    assert await refused(fresh, provider.sign(None, by="two"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1_000_000.0]
    monkeypatch.setattr(openid, "monotonic", lambda: now[0])
    return now


async def test_a_new_key_is_learnt_but_asked_for_at_most_every_thirty_seconds(
    provider: TinyIssuer, issuer: Issuer, clock: list[float]
) -> None:
    await issuer.read(provider.sign())
    provider.rotate("two")
    for _ in range(5):
        assert await refused(issuer, provider.sign("two"))
    assert provider.asked == 1
    clock[0] += 31
    await issuer.read(provider.sign("two"))
    assert provider.asked == 2
    provider.keys["one"] = ec.generate_private_key(ec.SECP256R1())
    assert await refused(issuer, provider.sign("one"))


async def test_old_keys_are_kept_while_the_issuer_is_away(
    provider: TinyIssuer, issuer: Issuer, clock: list[float]
) -> None:
    token = provider.sign()
    await issuer.read(token)
    provider.away = True
    clock[0] += 2 * openid.READ_ANEW_AFTER
    assert isinstance(await issuer.read(token), Caller)
    provider.away = False
    provider.rotate("two")
    clock[0] += 31
    assert await refused(issuer, token)


async def test_without_any_key_yet_it_is_not_the_token_that_is_wrong(
    provider: TinyIssuer, issuer: Issuer, clock: list[float]
) -> None:
    provider.away = True
    for _ in range(2):
        with pytest.raises(Unavailable):
            await issuer.read(provider.sign())
    provider.away = False
    clock[0] += 31
    assert isinstance(await issuer.read(provider.sign()), Caller)


async def test_an_issuer_that_calls_itself_something_else_is_not_believed(provider: TinyIssuer) -> None:
    other = Issuer(trusted(provider, issuer=provider.address.replace("127.0.0.1", "localhost")))
    with pytest.raises(Unavailable):
        await other.read(provider.sign(iss=other.trusted.issuer))


async def test_each_token_is_read_by_its_own_issuer(provider: TinyIssuer) -> None:
    issuers = Issuers([trusted(provider)])
    assert issuers.of(provider.sign()) is not None
    assert issuers.of(provider.sign(iss="https://elsewhere.example.org")) is None
    assert issuers.of(tokens.sign(email="mette@example.org", roles=["admin"])) is None
    assert issuers.of("no token") is None


def test_an_issuer_is_reached_where_nobody_else_can_answer() -> None:
    told = {"key": "cluster", "title": "The cluster", "audience": "us"}
    with pytest.raises(ValidationError, match="must be https"):
        TrustedIssuer(**told, issuer="http://login.example.org")
    with pytest.raises(ValidationError, match="algorithms"):
        TrustedIssuer(**told, issuer="https://login.example.org", algorithms=["HS256"])
