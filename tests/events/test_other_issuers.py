"""A token of a trusted identity provider opens here what its roles say, and nothing for whom it may not speak."""

from collections.abc import AsyncIterator, Iterator

import pytest

from services.events.app import create_app
from services.events.settings import Settings
from shared.database import uuid7
from tests.events.builders import KNOWLEDGE_HUB, ceremony
from tests.support.issuer import AUDIENCE, TinyIssuer, running_issuer
from tests.support.services import Client, running, settings_for


@pytest.fixture
def provider() -> Iterator[TinyIssuer]:
    with running_issuer() as issuer:
        yield issuer


@pytest.fixture
async def client(provider: TinyIssuer, database_url: str) -> AsyncIterator[Client]:
    told = {"key": "hub", "title": "The hub", "issuer": provider.address, "audience": AUDIENCE}
    settings = settings_for(Settings, "events", database_url, issuers=[{**told, "speaks_for": [KNOWLEDGE_HUB]}])
    async with running(create_app, settings) as client:
        yield client


async def draft(client: Client, provider: TinyIssuer, organisation: object) -> int:
    token = provider.sign(roles=["organiser"], orgs=[str(organisation)])
    body = ceremony(organisation_id=str(organisation))
    answer = await client.post("/v1/events", json=body, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def test_its_organisers_draft_events_for_whom_it_speaks(client: Client, provider: TinyIssuer) -> None:
    assert await draft(client, provider, KNOWLEDGE_HUB) == 201
    # Without a role that counts a token says of nobody who that is.
    assert await draft(client, provider, uuid7()) == 401


async def test_while_it_is_away_and_no_key_is_known_one_is_asked_to_come_again(
    client: Client, provider: TinyIssuer
) -> None:
    provider.away = True
    assert await draft(client, provider, KNOWLEDGE_HUB) == 503
