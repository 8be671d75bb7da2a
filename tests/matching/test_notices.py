"""An organisation is told of new profiles that are strong partners for it: gathered, with reasons, and once ever."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from sqlalchemy import update
from sqlmodel import col, select

from services.matching.app import create_app
from services.matching.notices import finding, notices
from services.matching.notices.notices import Rhythm
from services.matching.settings import Settings
from services.matching.tables import FoundSuggestion, NewProfile, Notice, Organisation
from shared.contracts.matching import SuggestionsFound
from shared.fields import utc_now
from tests.matching.builders import ADMIN, Row, contact, key_of, make, member_of, need, offer, say, told
from tests.support.services import Client, eventually, running, settings_for

RHYTHM = Rhythm(every=timedelta(days=7), most=5, after=timedelta(0))
NEED = "Vi søger levende gær til dej med rug"
OFFER = "Vi leverer levende gær til dej med rug"


@pytest.fixture
async def client(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """The service without its own two jobs: the tests say when it looks and tells."""

    async def rests(_: FastAPI) -> bool:
        return False

    for job in ("find_partners_of_new_profiles", "tell_of_new_partners"):
        monkeypatch.setattr(f"services.matching.app.{job}", rests)
    async with running(create_app, settings_for(Settings, "matching", database_url)) as client:
        yield client


async def bakery(client: Client, name: str = "Bageriet", **fields: Any) -> Row:
    """Published, taken over by its own people, and with somebody to write to."""
    made = await make(
        client, name, "startup", needs=[need(NEED)], contacts=[contact(email="mette@bageriet.example.org")], **fields
    )
    answer = await client.patch(f"/v1/organisations/{made['id']}", json={"size": "micro"}, params=key_of(made["id"]))
    assert answer.status_code == 200, answer.text
    return made


async def yeast_maker(client: Client, name: str = "Gærhuset", **fields: Any) -> Row:
    return await make(client, name, "supplier", offers=[offer(OFFER)], **fields)


async def look(client: Client, rhythm: Rhythm = RHYTHM) -> None:
    """Runs both jobs until they have nothing more to do."""
    state = client.app.state
    while await finding.find_some(state.database, state.index, rhythm.after):
        pass
    while await notices.tell_some(state.database, state.index, rhythm):
        pass


async def a_week_later(client: Client) -> None:
    async with client.app.state.database.transaction() as session:
        connection = await session.connection()
        await connection.execute(update(Notice).values(told_at=utc_now() - timedelta(days=8)))


async def count(client: Client, kind: type[Any]) -> int:
    async with client.app.state.database.reading() as session:
        return len((await session.exec(select(kind))).all())


def partners(message: Row) -> list[str]:
    return [each["name"] for each in message["partners"]]


async def test_a_new_strong_partner_is_told_with_the_reason_in_both_languages(client: Client) -> None:
    asks = await bakery(client)
    await make(client, "Stålværket", offers=[offer("Valset stål til broer")])
    await yeast_maker(client, summary={"da": "Vi dyrker gær."})
    await look(client)
    (message,) = await told(client, SuggestionsFound)
    assert (message["organisation_id"], message["name"]) == (asks["id"], "Bageriet")
    assert [each["email"] for each in message["contacts"]] == ["mette@bageriet.example.org"]
    (partner,) = message["partners"]
    assert partner["explanation"] == {
        "da": f"Gærhuset tilbyder »{OFFER}«, og I søger »{NEED}«.",
        "en": f"Gærhuset offers “{OFFER}”, and you look for “{NEED}”.",
    }
    assert partner["summary"] == {"da": "Vi dyrker gær."}
    assert await count(client, NewProfile) == 0


async def test_each_is_told_once_ever_however_often_it_is_published(client: Client) -> None:
    await bakery(client)
    maker = await yeast_maker(client)
    await look(client)
    for published in (False, True):
        change = {"published": published}
        answer = await client.patch(f"/v1/organisations/{maker['id']}", json=change, params=key_of(maker["id"]))
        assert answer.status_code == 200
        await a_week_later(client)
        await look(client)
    assert len(await told(client, SuggestionsFound)) == 1


async def test_several_in_a_week_come_in_one_message_the_best_first_and_five_by_name(client: Client) -> None:
    await bakery(client)
    for at in range(3):
        await yeast_maker(client, f"Første {at}")
    await look(client)
    for at in range(8):
        await yeast_maker(client, f"Senere {at}", summary={"da": "Vi laver brød, mel og dej. " * at} if at else None)
    await look(client)
    (first,) = await told(client, SuggestionsFound)
    assert (sorted(partners(first)), first["more"]) == (["Første 0", "Første 1", "Første 2"], 0)
    await a_week_later(client)
    await look(client)
    _, second = await told(client, SuggestionsFound)
    assert (len(partners(second)), second["more"]) == (5, 3)
    async with client.app.state.database.reading() as session:
        found = await session.exec(
            select(Organisation.name)
            .join(FoundSuggestion, col(FoundSuggestion.other_id) == Organisation.id)
            .where(col(Organisation.name).startswith("Senere"))
            .order_by(col(FoundSuggestion.score).desc())
        )
        assert set(found.all()[:1]) <= set(partners(second)[:3])
    await a_week_later(client)
    await look(client)
    assert len(await told(client, SuggestionsFound)) == 2


async def test_what_a_published_profile_first_offers_is_new_too(client: Client) -> None:
    await bakery(client)
    silent = await make(client, "Gærhuset", "supplier")
    await look(client)
    assert await told(client, SuggestionsFound) == []
    headers = {**member_of(silent["id"]), "If-Match": "*"}
    await client.patch(f"/v1/organisations/{silent['id']}", json={"offers": [offer(OFFER)]}, headers=headers)
    await look(client)
    assert len(await told(client, SuggestionsFound)) == 1


async def test_a_change_of_what_was_seen_before_is_not_new(client: Client) -> None:
    maker = await yeast_maker(client)
    await look(client)
    change = {"summary": {"da": "Vi dyrker gær."}}
    await client.patch(f"/v1/organisations/{maker['id']}", json=change, params=key_of(maker["id"]))
    assert await count(client, NewProfile) == 0


@pytest.mark.parametrize("answer", ["not_for_us", "already_partners", "yes"])
@pytest.mark.parametrize("by_the_new_one", [False, True])
async def test_who_has_answered_the_other_is_not_told_of_it(client: Client, answer: str, by_the_new_one: bool) -> None:
    asks, maker = await bakery(client), await yeast_maker(client)
    pair = (maker, asks) if by_the_new_one else (asks, maker)
    await say(client, pair[0]["id"], pair[1]["id"], answer)
    await look(client)
    assert await told(client, SuggestionsFound) == []


async def test_an_answer_between_finding_and_telling_is_heeded(client: Client) -> None:
    asks, maker = await bakery(client), await yeast_maker(client)
    state = client.app.state
    await finding.find_some(state.database, state.index, RHYTHM.after)
    assert await count(client, FoundSuggestion) == 1
    await say(client, asks["id"], maker["id"], "not_for_us")
    await look(client)
    assert await told(client, SuggestionsFound) == []


async def test_relatives_are_not_told_of_each_other(client: Client) -> None:
    parent = await bakery(client)
    await yeast_maker(client, parent=parent["id"])
    await look(client)
    assert await told(client, SuggestionsFound) == []


async def test_only_published_and_claimed_organisations_are_told(client: Client) -> None:
    await make(client, "Ingen har taget over", "startup", needs=[need(NEED)], contacts=[contact()])
    hidden = await bakery(client, "Skjult")
    await client.patch(f"/v1/organisations/{hidden['id']}", json={"published": False}, params=key_of(hidden["id"]))
    await yeast_maker(client)
    await look(client)
    assert await told(client, SuggestionsFound) == []


async def test_a_profile_is_left_alone_for_an_hour(client: Client) -> None:
    await bakery(client)
    await yeast_maker(client)
    await look(client, Rhythm(RHYTHM.every, RHYTHM.most, timedelta(hours=1)))
    assert await told(client, SuggestionsFound) == []
    assert await count(client, NewProfile) == 2


async def test_the_service_does_it_by_itself(database_url: str) -> None:
    settings = settings_for(Settings, "matching", database_url, notice_after_minutes=0)
    async with running(create_app, settings) as client:
        await bakery(client)
        await yeast_maker(client)
        assert len(await eventually(lambda: told(client, SuggestionsFound))) == 1


async def test_two_that_look_and_tell_at_once_tell_once(client: Client) -> None:
    await bakery(client)
    await yeast_maker(client)
    await asyncio.gather(*(look(client) for _ in range(4)))
    assert len(await told(client, SuggestionsFound)) == 1


async def test_what_dies_before_its_commit_is_done_by_the_next(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    await bakery(client)
    await yeast_maker(client)
    state = client.app.state
    hooks = list(state.database.before_commit)

    async def dies(_: Any) -> None:
        raise RuntimeError("killed")

    steps: tuple[Callable[[], Awaitable[bool]], ...] = (
        lambda: finding.find_some(state.database, state.index, RHYTHM.after),
        lambda: notices.tell_some(state.database, state.index, RHYTHM),
    )
    for step in steps:
        state.database.before_commit.append(dies)
        with pytest.raises(RuntimeError, match="killed"):
            await step()
        state.database.before_commit[:] = hooks
        await step()
    assert len(await told(client, SuggestionsFound)) == 1
    assert (await count(client, NewProfile), await count(client, FoundSuggestion)) == (0, 1)


async def test_a_profile_queued_again_while_it_is_looked_at_stays_queued(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bakery(client)
    maker = await yeast_maker(client)
    state = client.app.state

    async def queue_again(*_: Any) -> None:
        async with state.database.transaction() as session:
            again = update(NewProfile).where(col(NewProfile.organisation_id) == UUID(maker["id"]))
            await (await session.connection()).execute(again.values(queued_at=utc_now()))

    async def slow_index() -> Any:
        await queue_again()
        return await type(state.index).now(state.index)

    monkeypatch.setattr(state.index, "now", slow_index)
    await finding.find_some(state.database, state.index, RHYTHM.after)
    assert await count(client, NewProfile) == 1


async def test_a_large_import_makes_one_message_for_each_that_is_told(client: Client) -> None:
    for at in range(3):
        await bakery(client, f"Bageriet {at}")
    rows = "\n".join(
        f'{{"key": "g{at}", "name": "Gær {at}", "kind": "supplier",'
        f' "offers": [{{"category": "technology", "text": {{"da": "{OFFER}"}}}}]}}'
        for at in range(60)
    )
    headers = {**ADMIN, "Content-Type": "application/x-ndjson"}
    assert (await client.post("/v1/organisations/import", content=rows, headers=headers)).status_code == 200
    assert await count(client, NewProfile) == 63
    await look(client)
    messages = await told(client, SuggestionsFound)
    assert sorted(each["name"] for each in messages) == [f"Bageriet {at}" for at in range(3)]
    assert all(len(each["partners"]) == 5 and each["more"] > 0 for each in messages)
    await a_week_later(client)
    await look(client)
    assert len(await told(client, SuggestionsFound)) == 3


async def test_what_was_told_of_a_merged_organisation_is_not_told_of_what_it_goes_on_as(client: Client) -> None:
    await bakery(client)
    twice = await yeast_maker(client)
    await look(client)
    once = await make(client, "Gærhuset ApS", "supplier")
    path = f"/v1/organisations/{twice['id']}/merge"
    assert (await client.post(path, json={"into": once["id"]}, headers=ADMIN)).status_code == 200
    await client.patch(
        f"/v1/organisations/{once['id']}", json={"offers": [offer(OFFER)]}, headers={**ADMIN, "If-Match": "*"}
    )
    await a_week_later(client)
    await look(client)
    assert len(await told(client, SuggestionsFound)) == 1
    async with client.app.state.database.reading() as session:
        (found,) = await session.exec(select(FoundSuggestion))
        assert (str(found.other_id), found.told_at is not None) == (once["id"], True)


async def test_who_is_merged_keeps_its_week(client: Client) -> None:
    twice = await bakery(client)
    await yeast_maker(client)
    await look(client)
    once = await bakery(client, "Bageriet ApS")
    await client.post(f"/v1/organisations/{twice['id']}/merge", json={"into": once["id"]}, headers=ADMIN)
    await yeast_maker(client, "Gær & Søn")
    await look(client)
    assert len(await told(client, SuggestionsFound)) == 1
    assert await count(client, Notice) == 1


async def test_what_was_found_of_an_organisation_goes_when_it_is_erased(client: Client) -> None:
    await bakery(client)
    maker = await yeast_maker(client)
    state = client.app.state
    await finding.find_some(state.database, state.index, RHYTHM.after)
    answer = await client.delete(f"/v1/organisations/{maker['id']}", headers=ADMIN)
    assert answer.status_code < 300, answer.text
    assert await count(client, FoundSuggestion) == 0
    await look(client)
    assert await told(client, SuggestionsFound) == []
