"""A message is on the bus when, and only when, the transaction it reports has committed; in the order it was told."""

import pytest

from shared.messaging import outbox
from shared.messaging.outbox import tell
from tests.messaging.tiny import noted, organisation, told, told_one_by_one, waiting
from tests.support.services import Client, eventually


async def test_messages_arrive_in_the_order_they_were_told(teller: Client, listener: Client) -> None:
    names = [f"Organisation {number}" for number in range(450)]
    await told(teller.app, *(organisation(name) for name in names[:250]))
    await told_one_by_one(teller.app, names[250:])

    async def all_noted() -> bool:
        return len(await noted(listener.app)) >= len(names)

    await eventually(all_noted)
    assert await noted(listener.app) == names
    assert await waiting(teller.app) == 0


async def test_a_transaction_that_is_undone_tells_nothing(teller: Client, listener: Client) -> None:
    async def change_our_mind() -> None:
        async with teller.app.state.database.transaction() as session:
            tell(session, organisation("never"))
            raise LookupError("changed our mind")

    with pytest.raises(LookupError):
        await change_our_mind()
    await told(teller.app, organisation("after it"))

    async def anything_noted() -> list[str]:
        return await noted(listener.app)

    assert await eventually(anything_noted) == ["after it"]


def test_what_is_too_large_for_one_message_is_told_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a", "b", "c", "d" * 900, "e"]
    items = [organisation(name) for name in names]
    one = len(items[0].model_dump_json())
    monkeypatch.setattr(outbox, "PART", 2 * one)
    parts = outbox.in_parts(items)
    assert [[item.name for item in part] for part in parts] == [["a", "b"], ["c"], ["d" * 900], ["e"]]
    assert outbox.in_parts([]) == [()]
