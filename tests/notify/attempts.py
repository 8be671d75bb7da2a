"""What became of mails, as the secretariat sees it."""

from typing import Any

from sqlmodel import col, select, update

from services.notify.tables import Delivery
from shared.fields import utc_now
from tests.support.callers import as_caller
from tests.support.services import Client, eventually

SECRETARIAT = as_caller("admin", email="secretariat@example.org")


async def deliveries_of(notify: Client, **filters: str) -> list[dict[str, Any]]:
    answer = await notify.get("/v1/deliveries", params=filters, headers=SECRETARIAT)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


async def the_delivery_to(notify: Client, person: str, status: str) -> dict[str, Any]:
    async def look() -> list[dict[str, Any]]:
        return await deliveries_of(notify, person=person, status=status)

    (found,) = await eventually(look)
    return found


async def make_due(notify: Client) -> None:
    async with notify.app.state.database.transaction() as session:
        await session.exec(update(Delivery).where(col(Delivery.status) == "queued").values(due_at=utc_now()))


async def attempts_of(notify: Client, person: str, count: int = 1) -> list[dict[str, Any]]:
    """The attempts of the one delivery to this address, once there are so many."""

    async def look() -> list[dict[str, Any]]:
        (delivery,) = await deliveries_of(notify, person=person)
        attempts: list[dict[str, Any]] = delivery["attempts"]
        return attempts if sum(attempt["times"] for attempt in attempts) >= count else []

    return await eventually(look)


async def until_claims_hold(notify: Client) -> None:
    async def kept() -> bool:
        async with notify.app.state.database.reading() as session:
            claims = (await session.exec(select(Delivery.claimed_until))).all()
        return all(until is not None and until > utc_now() for until in claims)

    await eventually(kept)
