"""What a call does not know it refuses, also in its address."""

import pytest

from tests.shared.tiny import made
from tests.support.services import Client


async def test_an_unknown_parameter_is_named_with_those_that_are_taken(client: Client) -> None:
    answer = await client.get("/v1/things", params={"limit": 5, "offset": 10})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error == {"pointer": "?offset", "detail": "there is no such parameter; this call takes cursor, limit"}


async def test_nothing_is_done_by_a_call_that_says_more_than_is_understood(client: Client) -> None:
    answer = await client.post("/v1/things", params={"dry_run": "true"}, json={"name": "by mistake"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?dry_run")
    assert await made(client.app) == []


async def test_who_calls_by_the_key_of_a_link_may_do_so_also_where_anybody_may(client: Client) -> None:
    taken = await client.get("/v1/me", params={"key": "no key of ours"})
    assert taken.json()["type"] == "/problems/not-authenticated"
    assert (await client.get("/v1/things", params={"key": "no key of ours"})).status_code == 200


async def test_a_language_may_be_asked_for_everywhere(client: Client) -> None:
    assert (await client.get("/v1/things", params={"language": "en"})).status_code == 200


@pytest.mark.parametrize("address", ["/livez", "/openapi/matching.json"])
async def test_what_is_no_call_of_the_interface_ignores_what_it_does_not_know(client: Client, address: str) -> None:
    assert (await client.get(address, params={"utm_source": "newsletter"})).status_code == 200
