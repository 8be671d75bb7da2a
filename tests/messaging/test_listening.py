"""Every message has its effect once, however often and in whatever order it comes."""

from collections.abc import Sequence
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from shared.contracts.matching import OrganisationUpdated
from shared.database import uuid7
from shared.messaging import subscriptions
from shared.messaging.tables import outbox
from shared.settings import ServiceSettings
from tests.messaging.tiny import buried, kept, listening, noted, organisation, told, told_one_by_one
from tests.support.nats import NatsServer
from tests.support.services import LONG_ENOUGH, Client, eventually, running


async def put_again(server: NatsServer, teller: Client) -> None:
    """What the stream would hold if its server had forgotten that it has these messages."""
    client = await server.connect("matching")
    async with teller.app.state.database.reading() as session:
        rows = (await (await session.connection()).execute(select(outbox))).all()
    jetstream = client.jetstream(timeout=LONG_ENOUGH)
    for row in rows:
        await jetstream.publish(row.type, row.envelope.encode(), headers={"Nats-Msg-Id": str(uuid7())})
    await client.close()


async def told_twice_and_then_once_more(server: NatsServer, teller: Client, listener: Client) -> list[str]:
    """The names noted, once the last of three messages is among them."""
    await told(teller.app, organisation("Novozymes"))
    await eventually(lambda: noted(listener.app))
    await put_again(server, teller)
    await told(teller.app, organisation("Bioneer"))

    async def last_is_noted() -> bool:
        return "Bioneer" in await noted(listener.app)

    await eventually(last_is_noted)
    return await noted(listener.app)


async def test_a_message_that_comes_twice_has_one_effect(
    nats_server: NatsServer, teller: Client, listener: Client
) -> None:
    assert await told_twice_and_then_once_more(nats_server, teller, listener) == ["Novozymes", "Bioneer"]


async def test_without_the_check_the_second_effect_would_show(
    nats_server: NatsServer, teller: Client, listener: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_was_handled(_: object, ids: Sequence[UUID]) -> set[UUID]:
        return set(ids)

    monkeypatch.setattr(subscriptions, "_not_yet_handled", none_was_handled)
    noted_in_all = await told_twice_and_then_once_more(nats_server, teller, listener)
    assert noted_in_all == ["Novozymes", "Novozymes", "Bioneer"]


async def versions_out_of_order(teller: Client, listener: Client) -> dict[str, int]:
    """What is kept after versions 2, 1 and 2 again of one organisation."""
    identity = uuid7()
    for name, version in [("new name", 2), ("old name", 1), ("new name, told again", 2)]:
        await told(teller.app, organisation(name, version, identity))

    async def all_noted() -> bool:
        return len(await noted(listener.app)) == 3

    await eventually(all_noted)
    return await kept(listener.app)


async def test_an_older_version_does_not_overwrite_a_copy_but_an_equal_one_does(
    teller: Client, listener: Client
) -> None:
    assert await versions_out_of_order(teller, listener) == {"new name, told again": 2}


async def test_without_the_check_an_older_version_would_overwrite(
    teller: Client, listener: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def only_what_is_old(_: object, message: OrganisationUpdated) -> bool:
        return message.version == 1

    monkeypatch.setattr(subscriptions, "_is_news", only_what_is_old)
    assert await versions_out_of_order(teller, listener) == {"old name": 1}


async def test_one_that_fails_does_not_hold_up_the_others(teller: Client, listener_settings: ServiceSettings) -> None:
    async def trouble(message: OrganisationUpdated) -> None:
        if message.name == "Number 3":
            raise ValueError("not this one")

    names = [f"Number {number}" for number in range(10)]
    await told(teller.app, *(organisation(name) for name in names))
    async with running(partial(listening, trouble=trouble), listener_settings) as listener:

        async def others_noted() -> bool:
            return len(await noted(listener.app)) == 9

        await eventually(others_noted)
        assert await noted(listener.app) == [name for name in names if name != "Number 3"]


async def test_what_cannot_be_read_is_put_aside_and_the_rest_goes_on(
    nats_server: NatsServer, teller: Client, listener: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.messaging.listener.FIRST_DELAY", 0.001)
    client = await nats_server.connect("matching")
    unreadable: list[Any] = [b"not JSON", b"{}", b'{"id": "\0"}', b"\xff\xfe", b'"\\ud800"']
    for data in unreadable:
        await client.jetstream(timeout=LONG_ENOUGH).publish(OrganisationUpdated.type, data)
    await client.close()
    await told(teller.app, organisation("after them"))

    async def done() -> bool:
        return len(await buried(listener.app)) == len(unreadable) and bool(await noted(listener.app))

    await eventually(done)


async def test_two_processes_of_one_service_share_the_work(
    teller: Client, listener: Client, listener_settings: ServiceSettings
) -> None:
    if listener_settings.is_sqlite:
        return
    async with running(listening, listener_settings) as second:
        await told_one_by_one(teller.app, [f"Number {number}" for number in range(60)])

        async def all_noted() -> bool:
            return len(await noted(listener.app)) >= 60

        await eventually(all_noted)
        assert len(set(await noted(listener.app))) == len(await noted(second.app)) == 60
