"""Whatever is killed, and whenever: what was told is handled once by everybody who listens."""

import asyncio
import gc
import shutil
from collections.abc import AsyncIterator, Iterator
from functools import partial
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import DBAPIError

from shared.contracts.matching import OrganisationUpdated
from shared.database import uuid7
from shared.messaging import provision
from shared.messaging.line import Answer
from shared.messaging.provision import consumer_config
from shared.messaging.relay import Relay
from shared.settings import ServiceSettings
from tests.messaging.tiny import (
    attempts,
    buried,
    listening,
    make_tables,
    noted,
    organisation,
    published,
    telling,
    told,
    told_one_by_one,
    waiting,
)
from tests.support.missing import missing
from tests.support.nats import NatsServer, running_nats
from tests.support.postgres import KILL_SAFE, PostgresCluster, postgres_binaries, running_postgres
from tests.support.services import LONG_ENOUGH, Client, a_moment, eventually, running, settings_for

pytestmark = pytest.mark.faults

AN_HOUR = 3600.0
NAMES = [f"Number {number}" for number in range(150)]


@pytest.fixture
async def nats_server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[NatsServer]:
    """One of its own: it is killed, and its disk replaced. Nobody waits long for a dead one."""
    monkeypatch.setattr("shared.messaging.bus.ACKNOWLEDGED_WITHIN", 1.0)
    with running_nats() as server:
        await server.provision()
        yield server


@pytest.fixture
def patient(nats_server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for the bus waits for ever: a stop that waits for it does not end within the test."""
    monkeypatch.setattr("shared.messaging.bus.ACKNOWLEDGED_WITHIN", AN_HOUR)


async def noted_all(listener: Client, names: list[str]) -> list[str]:
    """The names noted, sorted, once there are as many as expected.

    What was on its way to a listener when the bus died comes again when its 30 seconds for an answer are over.
    """

    async def enough() -> bool:
        try:
            return len(await noted(listener.app)) >= len(names)
        except DBAPIError:
            # A connection at hand that ended with its database shows it only now.
            return False

    await eventually(enough, within=2 * LONG_ENOUGH)
    return sorted(await noted(listener.app))


async def test_nothing_is_lost_when_the_bus_is_killed_in_mid_stream(
    nats_server: NatsServer, teller: Client, listener: Client
) -> None:
    writing = asyncio.create_task(told_one_by_one(teller.app, NAMES, pause=0.002))
    for share in (0.2, 0.5, 0.8):
        await eventually(partial(at_least_published, teller, share * len(NAMES) - 20))
        nats_server.kill()
        await a_moment()
        nats_server.start()
    await writing
    assert await noted_all(listener, NAMES) == sorted(NAMES)


async def test_what_is_told_while_the_bus_is_away_waits_for_it(
    nats_server: NatsServer, teller: Client, listener: Client
) -> None:
    nats_server.kill()
    await told_one_by_one(teller.app, NAMES[:10])
    assert await waiting(teller.app) == 10
    assert (await teller.get("/readyz")).json()["checks"]["bus"] != "ok"
    nats_server.start()
    assert await noted_all(listener, NAMES[:10]) == sorted(NAMES[:10])


async def test_a_tail_that_the_bus_has_lost_is_told_again(
    nats_server: NatsServer, teller: Client, listener_settings: ServiceSettings
) -> None:
    await told(teller.app, *(organisation(name) for name in NAMES[:10]))
    await eventually(partial(at_least_published, teller, 10))
    older = nats_server.folder / "older"
    nats_server.stop()
    shutil.copytree(nats_server.folder / "store", older)
    nats_server.start()
    await told(teller.app, *(organisation(name) for name in NAMES[10:30]))
    await eventually(partial(at_least_published, teller, 30))
    nats_server.kill()
    shutil.rmtree(nats_server.folder / "store")
    older.rename(nats_server.folder / "store")
    await told(teller.app, *(organisation(name) for name in NAMES[30:40]))
    nats_server.start()
    async with running(listening, listener_settings) as listener:
        assert await noted_all(listener, NAMES[:40]) == sorted(NAMES[:40])


async def at_least_published(teller: Client, number: float) -> bool:
    return await published(teller.app) >= number


async def test_what_was_on_its_way_does_not_hide_a_lost_tail(
    nats_server: NatsServer, teller: Client, listener_settings: ServiceSettings
) -> None:
    """Large messages stand in the client's own buffer when the server dies; sent on to the next one before anyone
    looked, they would take the numbers of those it has forgotten."""
    older = nats_server.folder / "older"
    shutil.copytree(nats_server.folder / "store", older)
    await told(teller.app, *(organisation(name) for name in NAMES[:20]))
    await eventually(partial(at_least_published, teller, 20))
    nats_server.freeze()
    await told(teller.app, *(organisation(name + " " + "x" * 100_000) for name in NAMES[20:120]))
    await a_moment(1)
    nats_server.kill()
    shutil.rmtree(nats_server.folder / "store")
    older.rename(nats_server.folder / "store")
    nats_server.start()
    async with running(listening, listener_settings) as listener:
        heard = await noted_all(listener, NAMES[:120])
        assert sorted(" ".join(name.split()[:2]) for name in heard) == sorted(NAMES[:120])


async def test_a_client_that_gave_up_is_replaced(teller: Client, listener: Client) -> None:
    for service in (teller, listener):
        await service.app.state.bus.client.close()
    await told(teller.app, organisation("after it"))
    assert await noted_all(listener, ["after it"]) == ["after it"]

    async def connected() -> bool:
        return all(service.app.state.bus.connected for service in (teller, listener))

    await eventually(connected)


async def test_a_service_starts_without_the_bus_and_finds_it_later(
    nats_server: NatsServer, teller_settings: ServiceSettings, listener_settings: ServiceSettings
) -> None:
    nats_server.kill()
    async with running(telling, teller_settings) as teller, running(listening, listener_settings) as listener:
        await told(teller.app, organisation("early"))
        assert (await teller.get("/livez")).status_code == 200
        nats_server.start()
        assert await noted_all(listener, ["early"]) == ["early"]


async def test_a_service_stops_at_once_while_the_bus_is_away(
    nats_server: NatsServer, teller_settings: ServiceSettings, patient: None
) -> None:
    nats_server.kill()
    async with asyncio.timeout(LONG_ENOUGH), running(telling, teller_settings):
        await a_moment()


async def test_a_service_stops_whatever_it_was_doing(listener_settings: ServiceSettings) -> None:
    """A cancellation that comes together with a beat was lost once in some ten stops."""
    for step in range(25):
        async with asyncio.timeout(LONG_ENOUGH), running(listening, listener_settings):
            await a_moment(step / 1000)


async def test_a_service_stops_soon_while_the_bus_hangs(
    nats_server: NatsServer, teller_settings: ServiceSettings, patient: None
) -> None:
    async with asyncio.timeout(2 * LONG_ENOUGH), running(telling, teller_settings) as teller:
        await told(teller.app, organisation("before"))
        await eventually(partial(at_least_published, teller, 1))
        nats_server.freeze()
        await told(teller.app, *(organisation("x" * 100_000) for _ in range(100)))
        await a_moment()
    nats_server.kill()


async def test_what_the_bus_never_acknowledges_is_given_up_without_a_complaint(
    nats_server: NatsServer, teller: Client, complaints: list[str]
) -> None:
    state = teller.app.state
    relay = Relay(state.database, state.bus, state.figures)
    row = SimpleNamespace(seq=1, message_id=uuid7(), type="matching.tried.v1", envelope="{}", stream_seq=None)
    async with state.bus.line() as line:
        nats_server.freeze()
        assert await relay._publish(line, [row]) == [Answer.none()]
        gc.collect()
        nats_server.kill()
    assert complaints == []


async def test_what_was_in_hand_at_a_stop_is_handled_right_after_the_next_start(
    nats_server: NatsServer, teller: Client, listener_settings: ServiceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The bus itself would give them to somebody else long after the test has ended.
    monkeypatch.setattr(provision, "consumer_config", lambda name: consumer_config(name).evolve(ack_wait=AN_HOUR))
    await nats_server.provision()
    in_hand = asyncio.Event()

    async def without_end(_: OrganisationUpdated) -> None:
        in_hand.set()
        await asyncio.Event().wait()

    async with running(partial(listening, trouble=without_end), listener_settings):
        await told_one_by_one(teller.app, NAMES[:20])
        async with asyncio.timeout(LONG_ENOUGH):
            await in_hand.wait()
    async with running(listening, listener_settings) as listener:
        assert await noted_all(listener, NAMES[:20]) == sorted(NAMES[:20])


@pytest.fixture
def mortal_postgres() -> Iterator[PostgresCluster]:
    if postgres_binaries() is None:
        missing("PostgreSQL")
    with running_postgres(options=KILL_SAFE) as cluster:
        yield cluster


async def test_a_database_that_is_away_is_no_failure_of_a_message(
    nats_server: NatsServer, mortal_postgres: PostgresCluster
) -> None:
    urls = [mortal_postgres.create_database(name) for name in ("matching", "notify")]
    for url in urls:
        await make_tables(url)
    told_by = settings_for(ServiceSettings, "matching", urls[0], nats_server)
    heard_by = settings_for(ServiceSettings, "notify", urls[1], nats_server)
    async with running(telling, told_by) as teller, running(listening, heard_by) as listener:
        committed: list[str] = []
        for round_, names in enumerate([NAMES[:40], NAMES[40:80], NAMES[80:120]]):
            before = len(committed)
            writing = asyncio.create_task(tell_what_commits(teller, names, committed))
            await eventually(partial(grown, committed, before + 10))
            mortal_postgres.kill()
            await a_moment(0.1 * round_)
            await asyncio.to_thread(mortal_postgres.start)
            await writing
        heard = await noted_all(listener, committed)
        assert set(committed) <= set(heard)
        assert len(heard) == len(set(heard))
        assert await buried(listener.app) == []
        assert await attempts(listener.app) == 0


async def grown(committed: list[str], number: int) -> bool:
    return len(committed) >= number


async def tell_what_commits(teller: Client, names: list[str], committed: list[str]) -> None:
    """Those whose commit was confirmed; one whose confirmation was lost may be told as well."""
    for name in names:
        try:
            await told(teller.app, organisation(name))
        except (DBAPIError, OSError):
            await a_moment(0.02)
        else:
            committed.append(name)
        await a_moment(0.002)
