"""The inbox live, over a real server: what a browser's EventSource would see."""

import asyncio
import contextlib
import gc
import json
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Self

import httpx
import pytest
import uvicorn

from services.notify.contacts import find
from services.notify.inbox import Follower
from services.notify.routes import inbox_stream
from shared.access.links import Purpose
from shared.fields import utc_now
from tests.notify.messages import attendee, published, registered, tell
from tests.support.callers import LINK_SECRET, PUBLIC_KEY, as_caller, links
from tests.support.served import served
from tests.support.services import LONG_ENOUGH, NO_BUS, Client, eventually

JENS = as_caller("member", email="jens@example.org")


@pytest.fixture
def dialect() -> str:
    return "sqlite"


class Server(uvicorn.Server):
    """Leaves the signals to the tests."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def answers(self) -> bool:
        return self.started


@pytest.fixture
async def address(notify: Client) -> AsyncIterator[str]:
    """The service over HTTP; its lifespan is run by the fixture `notify`."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = Server(uvicorn.Config(notify.app, lifespan="off", log_level="error"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await eventually(server.answers)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = server.force_exit = True
        await serving


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: dict[str, object]
    identity: str | None


async def events(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line and not line.startswith(":"):
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
            fields = {}


async def take(stream: AsyncIterator[Event], name: str) -> Event:
    async with asyncio.timeout(LONG_ENOUGH):
        async for event in stream:
            if event.name == name:
                return event
    raise AssertionError(f"the stream ended without {name}")


async def test_a_new_notification_shows_at_once_with_the_unread_count(notify: Client, address: str) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    async with (
        httpx.AsyncClient(timeout=LONG_ENOUGH) as browser,
        browser.stream("GET", f"{address}/v1/inbox/stream", headers=JENS) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        assert (await take(stream, "unread")).data == {"unread": 1}
        await tell(notify, registered(event, attendee("Jens Lund"), reference="KLB-2"))
        news = await take(stream, "notification")
        assert news.data["topic"] == "attendee_confirmed"
        assert news.identity == news.data["id"]
        assert (await take(stream, "unread")).data == {"unread": 2}
        await notify.post("/v1/inbox/read-all", headers=JENS)
        assert (await take(stream, "unread")).data == {"unread": 0}


async def test_who_comes_back_gets_what_was_missed(notify: Client, address: str) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    last_seen = (await notify.get("/v1/inbox", headers=JENS)).json()["items"][0]["id"]
    await tell(notify, registered(event, attendee("Jens Lund"), reference="KLB-2"))
    headers = {**JENS, "Last-Event-ID": last_seen}
    async with (
        httpx.AsyncClient(timeout=LONG_ENOUGH) as browser,
        browser.stream("GET", f"{address}/v1/inbox/stream", headers=headers) as answer,
    ):
        missed = await take(events(answer), "notification")
    assert missed.identity != last_seen


async def test_whatever_was_missed_comes_at_once(notify: Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox_stream, "SIGN_OF_LIFE", 3600.0)
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    last_seen = (await notify.get("/v1/inbox", headers=JENS)).json()["items"][0]["id"]
    sign_ups = [registered(event, attendee("Jens Lund"), reference=f"KLB-{number}") for number in range(230)]
    await tell(notify, *sign_ups)
    async with (
        httpx.AsyncClient(timeout=LONG_ENOUGH) as browser,
        browser.stream("GET", f"{address}/v1/inbox/stream", headers={**JENS, "Last-Event-ID": last_seen}) as answer,
    ):
        stream = events(answer)
        missed = [(await take(stream, "notification")).identity for _ in sign_ups]
    assert len(set(missed) - {last_seen}) == 230


@pytest.mark.parametrize("header", ["", "0", "undefined", "42; drop", "ÆØÅ", "0192d000-0000-7000-8000-00000000000b"])
async def test_whatever_a_browser_says_it_saw_last_it_gets_what_comes(
    notify: Client, address: str, header: str
) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    headers = [(name.encode(), value.encode()) for name, value in {**JENS, "Last-Event-ID": header}.items()]
    async with (
        httpx.AsyncClient(timeout=LONG_ENOUGH) as browser,
        browser.stream("GET", f"{address}/v1/inbox/stream", headers=headers) as answer,
    ):
        assert answer.status_code == 200
        stream = events(answer)
        assert (await take(stream, "unread")).data == {"unread": 1}
        await tell(notify, registered(event, attendee("Jens Lund"), reference="KLB-2"))
        await take(stream, "notification")
        assert (await take(stream, "unread")).data == {"unread": 2}


async def test_a_stream_goes_on_although_the_clock_was_set_back(
    notify: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    async with notify.app.state.database.reading() as session:
        jens = await find(session, "jens@example.org")
        assert jens is not None
        follower = await Follower.after(session, jens.id, None)
        monkeypatch.setattr("shared.fields.datetime", AnHourEarlier)
        assert await follower.look(session) == []
    await tell(notify, registered(event, attendee("Jens Lund"), reference="KLB-2"))
    async with notify.app.state.database.reading() as session:
        assert len(await follower.look(session)) == 1


class AnHourEarlier(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) - timedelta(hours=1)


class TwoHoursLater(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + timedelta(hours=2)


async def test_a_stream_ends_when_its_key_is_over(
    notify: Client, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox_stream, "SIGN_OF_LIFE", 0.2)
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    async with notify.app.state.database.reading() as session:
        jens = await find(session, "jens@example.org")
    assert jens is not None
    key = links.key(Purpose.CONTACT, jens.id, 1, utc_now() + timedelta(hours=1))
    async with (
        asyncio.timeout(LONG_ENOUGH),
        httpx.AsyncClient(timeout=LONG_ENOUGH) as browser,
        browser.stream("GET", f"{address}/v1/inbox/stream", params={"key": key}) as answer,
    ):
        stream = events(answer)
        assert (await take(stream, "unread")).data == {"unread": 1}
        monkeypatch.setattr("shared.access.links.datetime", TwoHoursLater)
        assert [each.name async for each in stream] == []
    assert (await notify.get("/v1/inbox/stream", params={"key": key})).status_code == 410


async def test_streams_end_when_the_service_stops(notify: Client, address: str) -> None:
    async with (
        asyncio.timeout(LONG_ENOUGH),
        httpx.AsyncClient(timeout=LONG_ENOUGH) as browser,
        browser.stream("GET", f"{address}/v1/inbox/stream", headers=JENS) as answer,
    ):
        lines = answer.aiter_lines()
        assert await anext(lines) == "retry: 2000"
        notify.app.state.stopping.set()
        assert [line async for line in lines if line] == []


async def test_a_server_told_to_stop_does_not_wait_for_its_streams(database_url: str) -> None:
    """As a process of its own: there the server waits for open answers before the service is told."""
    settings = {
        "VIDENBRO_DATABASE_URL": database_url,
        "VIDENBRO_NATS_URL": NO_BUS,
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC_KEY,
        "VIDENBRO_LINK_SECRET": LINK_SECRET,
        "VIDENBRO_LOG_LEVEL": "error",
    }
    graceful = ("--factory", "--timeout-graceful-shutdown", "3600")
    async with httpx.AsyncClient(timeout=LONG_ENOUGH) as browser, contextlib.AsyncExitStack() as open_streams:
        with served("services.notify.app:create_app", *graceful, **settings) as port:
            stream = browser.stream("GET", f"http://127.0.0.1:{port}/v1/inbox/stream", headers=JENS)
            answer = await open_streams.enter_async_context(stream)
            assert await anext(answer.aiter_lines()) == "retry: 2000"


async def test_an_open_stream_holds_no_connection_of_the_database(notify: Client, address: str) -> None:
    async with contextlib.AsyncExitStack() as open_streams:
        browser = await open_streams.enter_async_context(
            httpx.AsyncClient(timeout=LONG_ENOUGH, limits=httpx.Limits(max_connections=30))
        )
        for _ in range(20):
            answer = await open_streams.enter_async_context(
                browser.stream("GET", f"{address}/v1/inbox/stream", headers=JENS)
            )
            assert answer.status_code == 200
        async with asyncio.timeout(LONG_ENOUGH):
            assert (await notify.get("/v1/inbox", headers=JENS)).status_code == 200


async def test_a_look_ends_well_although_its_reader_has_left(
    notify: Client, address: str, monkeypatch: pytest.MonkeyPatch, complaints: list[str]
) -> None:
    monkeypatch.setattr(inbox_stream, "BETWEEN_LOOKS", 0)
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    beating = asyncio.create_task(beat(notify))
    async with httpx.AsyncClient(timeout=LONG_ENOUGH) as browser:
        for _ in range(60):
            async with browser.stream("GET", f"{address}/v1/inbox/stream", headers=JENS) as answer:
                await take(events(answer), "unread")
    beating.cancel()
    gc.collect()
    assert complaints == []
    assert (await notify.get("/v1/inbox", headers=JENS)).status_code == 200


async def beat(notify: Client) -> None:
    """So that whoever follows an inbox is nearly always looking."""
    while True:
        notify.app.state.bus.pulse.beat()
        await asyncio.sleep(0)
