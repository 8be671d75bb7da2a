"""What every answer carries, and what goes on from a request to the messages it tells."""

import re

import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from shared.http.running import Service
from shared.http.service import create_service
from shared.messaging.tables import outbox
from shared.settings import ServiceSettings
from tests.shared.tiny import create_app
from tests.support.services import Client, running

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])


async def test_request_id_and_trace_come_back_as_they_came(client: Client) -> None:
    answer = await client.get("/v1/things", headers={"X-Request-ID": "door-7.a_b", "traceparent": TRACE})
    assert answer.headers["X-Request-ID"] == "door-7.a_b"
    assert answer.headers["traceparent"] == TRACE


@pytest.mark.parametrize("odd", ["", "a b", "x" * 65, "a;b", "ø"])
async def test_a_request_id_unfit_for_a_log_is_replaced(client: Client, odd: str) -> None:
    answer = await client.get("/v1/things", headers={b"X-Request-ID": odd.encode()})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-ID"])


@pytest.mark.parametrize(
    "odd",
    ["00-1-2-3", f"ff{TRACE[2:]}", f"00-{'0' * 32}-b7ad6b7169203331-01", f"00-{'a' * 32}-{'0' * 16}-01", f"{TRACE}-x"],
)
async def test_a_trace_that_is_none_is_left_out(client: Client, odd: str) -> None:
    answer = await client.get("/v1/things", headers={"traceparent": odd})
    assert "traceparent" not in answer.headers


async def test_both_go_on_with_what_the_request_tells(client: Client) -> None:
    headers = {"X-Request-ID": "door-7", "traceparent": TRACE}
    await client.post("/v1/things", json={"name": "one"}, headers=headers)
    async with client.app.state.database.reading() as session:
        row = (await (await session.connection()).execute(select(outbox))).one()
    envelope = orjson.loads(row.envelope)
    assert (envelope["correlationid"], envelope["traceparent"]) == ("door-7", TRACE)
    assert envelope["id"] == str(row.message_id)
    assert envelope["type"] == row.type == "matching.organisation.updated.v1"
    assert envelope["source"] == "/matching"
    assert envelope["specversion"] == "1.0"
    assert envelope["subject"] == envelope["data"]["organisation_id"]


async def test_answers_are_safe_to_show_in_a_browser(client: Client) -> None:
    for path in ("/v1/things", "/v1/nothing", "/v1/faults"):
        headers = (await client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in (await client.get("/p/matching/nothing")).headers["Content-Security-Policy"]


async def test_figures_count_by_route_and_not_by_address(client: Client) -> None:
    for path in ("/v1/things/1", "/v1/things/2", "/v1/nothing", "/v1/faults"):
        await client.get(path)
    text = (await client.get("/metrics")).text
    assert 'http_request_duration_seconds_count{method="GET",route="/v1/things/{thing}",status="200"} 2.0' in text
    assert 'route="none",status="404"' in text
    assert 'route="/v1/faults",status="500"' in text
    assert "/v1/things/1" not in text


async def test_a_listed_origin_may_read_the_answer_of_a_fault_too(settings: ServiceSettings) -> None:
    listed = settings.model_copy(update={"allowed_origins": ("https://cluster.example.org",)})
    async with running(create_app, listed) as client:
        for path in ("/v1/things", "/v1/faults"):
            answer = await client.get(path, headers={"Origin": "https://cluster.example.org"})
            assert answer.headers["Access-Control-Allow-Origin"] == "https://cluster.example.org"
        stranger = await client.get("/v1/things", headers={"Origin": "https://other.example.org"})
        assert "Access-Control-Allow-Origin" not in stranger.headers


async def test_alive_says_nothing_of_the_bus_and_ready_does(client: Client) -> None:
    assert (await client.get("/livez")).text == "alive"
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]["bus"]) == (503, "not connected")


async def test_a_second_process_on_one_sqlite_file_is_refused_with_a_clear_word(
    client: Client, settings: ServiceSettings
) -> None:
    with pytest.raises(SystemExit, match=r"Another process already serves .*use PostgreSQL for replicas"):
        async with running(create_app, settings):
            pass
    assert (await client.get("/v1/things")).status_code == 200


async def test_a_start_that_fails_leaves_nothing_behind(settings: ServiceSettings) -> None:
    class Broken(Service):
        async def start(self) -> None:
            async with self.database.transaction() as session:
                await session.connection()
            raise LookupError("no snapshot")

    def broken(told: ServiceSettings) -> FastAPI:
        return create_service(Broken("matching", told), title="Broken", routers=[])

    with pytest.raises(LookupError):
        async with running(broken, settings):
            pass
    async with running(create_app, settings) as client:
        assert (await client.get("/v1/things")).status_code == 200
