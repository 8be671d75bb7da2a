"""An organisation is erased: gone here at once, forgotten by the others, and one report tells what became of it."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest
from sqlmodel import select

from services.matching.app import create_app
from services.matching.retelling import STEPS
from services.matching.settings import Settings
from services.matching.tables import Answer, Claim, Export, Going, Introduction, Member, Organisation, Outcome
from shared.contracts.events import EventsErasedOrganisation, RegisteredOrganisation, RegistrationUpdated
from shared.contracts.matching import OrganisationCreated, OrganisationErased, OrganisationUpdated
from shared.contracts.message import Counted, ErasureReport
from shared.contracts.notify import NotifyErasedOrganisation
from shared.fields import utc_now
from shared.messaging.retelling import retell
from tests.matching.builders import (
    ADMIN,
    Row,
    ceremony,
    contact,
    hear,
    key_of,
    make,
    manager_of,
    member_of,
    names,
    need,
    newcomer,
    offer,
    say,
    sign_up,
    suggestions,
    told,
)
from tests.support.callers import NOBODY, Headers
from tests.support.services import Client, running, settings_for

OTHERS = (EventsErasedOrganisation, NotifyErasedOrganisation)
GIVES, SEEKS = [offer("Levende gær til et bageri")], [need("Levende gær til et bageri")]


async def erase(client: Client, organisation: str, headers: Headers | None = None, **query: bool) -> Row:
    """Erased by its manager unless `headers` says by whom."""
    answer = await client.delete(
        f"/v1/organisations/{organisation}", params=query, headers=headers or manager_of(organisation)
    )
    assert answer.status_code in (200, 202), answer.text
    body: Row = answer.json()
    return {**body, "status": answer.status_code}


async def report(client: Client, organisation: str, headers: Headers = ADMIN) -> Row:
    answer = await client.get(f"/v1/organisations/{organisation}/erasure", headers=headers)
    assert answer.status_code == 200, answer.text
    body: Row = answer.json()
    return body


async def known_to_many(client: Client) -> tuple[Row, Row]:
    """An organisation with all that can be held of one, and another that it was introduced to."""
    own = await make(client, "Gærhuset", offers=GIVES, contacts=[contact()], cvr="10000009")
    partner = await make(client, "Bageriet", "startup", needs=SEEKS, contacts=[contact("Bo Lind", "bo@example.org")])
    await say(client, own["id"], partner["id"], "yes", "Vi glæder os")
    await say(client, partner["id"], own["id"], "yes")
    path = f"/v1/organisations/{own['id']}"
    person = {"name": "Ida Krogh", "email": "ida@gaerhuset.example.org"}
    assert (await client.post(f"{path}/members", json=person, headers=ADMIN)).status_code == 201
    assert (await client.post(f"{path}/claim", json=person)).status_code == 202
    introduction = (await client.get("/v1/introductions", headers=member_of(own["id"]))).json()["items"][0]["id"]
    met = await client.post(
        f"/v1/introductions/{introduction}/outcome", json={"outcome": "met"}, headers=member_of(partner["id"])
    )
    assert met.status_code == 200, met.text
    going = RegisteredOrganisation(id=UUID(own["id"]), name=own["name"])
    await hear(client, sign_up(going))
    assert (await client.get(f"{path}/export", headers=ADMIN)).status_code == 202
    return own, partner


async def rows_about(client: Client, organisation: str) -> list[object]:
    """Whatever a table of ours still holds of it."""
    identity = UUID(organisation)
    async with client.app.state.database.reading() as session:
        held: list[object] = []
        for condition in (
            Organisation.id == identity,
            Member.organisation_id == identity,
            Claim.organisation_id == identity,
            Answer.organisation_id == identity,
            Answer.other_id == identity,
            Outcome.organisation_id == identity,
            Outcome.other_id == identity,
            Introduction.low_id == identity,
            Introduction.high_id == identity,
            Going.organisation_id == identity,
            Export.organisation_id == identity,
        ):
            kind = condition.left.entity_namespace  # type: ignore[attr-defined]  # mypy takes it for a plain comparison
            held += (await session.exec(select(kind).where(condition))).all()
        return held


def answer_of(kind: type[ErasureReport], erased: Row, **counts: int) -> ErasureReport:
    """What another service answers to what it was told."""
    return kind(
        organisation_id=erased["organisation_id"],
        erasure_id=erased["erasure_id"],
        version=erased["version"],
        erased=tuple(Counted(what=what, count=count) for what, count in counts.items()),
        kept=(Counted(what="registrations", count=2, why="they are people's own"),),
        at=utc_now(),
    )


async def test_all_that_is_held_of_it_goes_and_the_others_are_told(client: Client) -> None:
    own, _ = await known_to_many(client)
    erased = await erase(client, own["id"])
    assert erased["status"] == 202
    counts = {"profiles": 1, "members": 1, "claims": 1, "answers": 2, "outcomes": 1, "introductions": 1, "going": 1}
    assert erased["erased"] == counts | {"cases": 1, "domains": 0}
    assert erased["next_steps"][0]["href"] == f"/v1/organisations/{own['id']}/erasure"
    assert await rows_about(client, own["id"]) == []
    (message,) = await told(client, OrganisationErased)
    assert message["organisation_id"] == own["id"]
    assert message["version"] > own["version"]


async def test_everybody_gets_404_for_it_and_nobody_is_proposed_it(client: Client) -> None:
    own, partner = await known_to_many(client)
    other = await make(client, "Mølleriet", needs=SEEKS)
    assert names(await suggestions(client, other["id"])) == ["Gærhuset"]
    await erase(client, own["id"])
    for headers in (NOBODY, ADMIN, manager_of(own["id"]), member_of(partner["id"])):
        answer = await client.get(f"/v1/organisations/{own['id']}", headers=headers)
        assert answer.status_code == 404
    assert (await client.get(f"/v1/organisations/{own['id']}", params=key_of(own["id"]))).status_code == 404
    assert await suggestions(client, other["id"]) == []
    found = await client.get("/v1/introductions", headers=member_of(partner["id"]))
    assert found.json()["items"] == []
    listed = await client.get("/v1/organisations", headers=ADMIN)
    assert sorted(each["name"] for each in listed.json()["items"]) == ["Bageriet", "Mølleriet"]


async def test_a_dry_run_says_what_would_go_and_changes_nothing(client: Client) -> None:
    own, _ = await known_to_many(client)
    preview = await erase(client, own["id"], dry_run=True)
    assert preview["status"] == 200
    assert preview["dry_run"] is True
    assert preview["next_steps"][0]["action"] == "erase"
    assert await told(client, OrganisationErased) == []
    assert (await erase(client, own["id"]))["erased"] == preview["erased"]


async def test_erasing_again_is_answered_the_same_and_told_once(client: Client) -> None:
    own, _ = await known_to_many(client)
    first = await erase(client, own["id"])
    for again in (await erase(client, own["id"]), await erase(client, own["id"], ADMIN)):
        assert (again["status"], again["erased"]) == (200, first["erased"])
    assert len(await told(client, OrganisationErased)) == 1


async def test_asked_twice_at_once_it_is_erased_once(client: Client) -> None:
    own, _ = await known_to_many(client)
    path = f"/v1/organisations/{own['id']}"
    answers = await asyncio.gather(*(client.delete(path, headers=ADMIN) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {200, 202}
    assert [answer.json()["erased"] == answers[0].json()["erased"] for answer in answers] == [True] * 4
    assert len(await told(client, OrganisationErased)) == 1


async def test_one_that_organises_events_to_come_stays(client: Client) -> None:
    own = await make(client, "Knowledge Hub Zealand", "network")
    coming = ceremony(own["id"], ends_at=utc_now() + timedelta(days=3))
    await hear(client, coming, ceremony(own["id"], slug="afholdt", ends_at=utc_now() - timedelta(days=3)))
    for query in ({}, {"dry_run": True}):
        answer = await client.delete(f"/v1/organisations/{own['id']}", params=query, headers=ADMIN)
        assert answer.status_code == 409
        problem = answer.json()
        assert problem["type"] == "/problems/organises-events"
        assert [each["slug"] for each in problem["events"]] == ["underskrivelse"]
        assert problem["next_steps"][0]["href"] == f"/v1/events/{coming.event_id}/cancel"
    await hear(client, ceremony(own["id"], event_id=coming.event_id, version=2, status="cancelled"))
    assert (await erase(client, own["id"]))["status"] == 202
    (part,) = (await report(client, own["id"]))["parts"]
    assert part["kept"] == [{"what": "events", "count": 2, "why": "others were there"}]


async def test_its_units_stand_alone_whether_it_had_accepted_them_or_not(client: Client) -> None:
    own = await make(client, "Danmarks Tekniske Universitet", "research")
    unit = await make(client, "DTU Bioengineering", "research", parent=own["id"])
    other = await make(client, "Evil ApS")
    says_so = await client.patch(
        f"/v1/organisations/{other['id']}", json={"parent": own["id"]}, headers=member_of(other["id"])
    )
    assert (says_so.json()["parent"], says_so.json()["stated_parent"]) == (None, own["id"])
    assert (await erase(client, own["id"]))["status"] == 202
    for each in (unit, other):
        left = (await client.get(f"/v1/organisations/{each['id']}", headers=ADMIN)).json()
        assert (left["parent"], left["stated_parent"]) == (None, None)
    assert (await told(client, OrganisationUpdated))[-1].get("parent") is None


async def test_a_member_may_not_and_its_link_may(client: Client) -> None:
    own = await make(client, "Gærhuset")
    answer = await client.delete(f"/v1/organisations/{own['id']}", headers=member_of(own["id"]))
    assert answer.status_code == 403
    answer = await client.delete(f"/v1/organisations/{own['id']}", params=key_of(own["id"]))
    assert answer.status_code == 202
    again = await client.delete(f"/v1/organisations/{own['id']}", params=key_of(own["id"]))
    assert again.status_code == 200
    assert (await report(client, own["id"]))["asked_by"] == "link"


async def test_the_report_is_complete_when_every_service_has_answered(client: Client) -> None:
    own, _ = await known_to_many(client)
    await erase(client, own["id"])
    before = await report(client, own["id"], manager_of(own["id"]))
    assert (before["status"], before["missing"]) == ("collecting", ["events", "notify"])
    (erased,) = await told(client, OrganisationErased)
    await hear(client, answer_of(NotifyErasedOrganisation, erased, letters=3))
    assert (await report(client, own["id"]))["missing"] == ["events"]
    await hear(client, answer_of(EventsErasedOrganisation, erased, links=2))
    after = await report(client, own["id"])
    assert (after["status"], after["missing"]) == ("complete", [])
    parts = {part["service"]: part for part in after["parts"]}
    assert parts["events"]["erased"] == {"links": 2}
    assert parts["events"]["kept"] == [{"what": "registrations", "count": 2, "why": "they are people's own"}]
    assert parts["notify"]["erased"] == {"letters": 3}
    assert parts["matching"]["erased"]["profiles"] == 1


async def test_a_service_that_is_told_again_adds_to_what_it_erased(client: Client) -> None:
    own = await make(client, "Gærhuset")
    await erase(client, own["id"])
    (erased,) = await told(client, OrganisationErased)
    first = answer_of(EventsErasedOrganisation, erased, links=2, copies=1)
    again = answer_of(EventsErasedOrganisation, erased, links=1)
    await hear(client, again, first)
    parts = {part["service"]: part for part in (await report(client, own["id"]))["parts"]}
    assert parts["events"]["erased"] == {"links": 3, "copies": 1}
    assert parts["events"]["at"] == again.at.isoformat().replace("+00:00", "Z")


async def test_nobody_else_sees_the_report_and_there_is_none_before(client: Client) -> None:
    own, other = await make(client, "Gærhuset"), await make(client, "Bageriet")
    path = f"/v1/organisations/{own['id']}/erasure"
    assert (await client.get(path, headers=ADMIN)).status_code == 404
    await erase(client, own["id"])
    assert (await client.get(path)).status_code == 401
    for headers in (member_of(own["id"]), manager_of(other["id"])):
        assert (await client.get(path, headers=headers)).status_code == 404
    assert (await client.get(path, params=key_of(own["id"], version=7))).status_code == 410
    assert (await client.get(path, params=key_of(own["id"]))).status_code == 200


async def test_what_was_told_before_and_comes_late_makes_nothing_anew(client: Client) -> None:
    """Whoever still speaks of it has not heard of its end, or was restored from before: it is told again."""
    company = newcomer(website="https://gaerhuset.example.org")
    before = sign_up(company)
    await hear(client, before)
    await erase(client, str(company.id))
    late = sign_up(company)
    changed = RegistrationUpdated(**{**dict(before), "version": 2})
    await hear(client, late, changed)
    assert await rows_about(client, str(company.id)) == []
    assert len(await told(client, OrganisationCreated)) == 1
    first, *again = await told(client, OrganisationErased)
    assert again == [first, first]


async def test_telling_everything_again_tells_the_end_and_not_the_profile(client: Client) -> None:
    own, other = await make(client, "Gærhuset"), await make(client, "Bageriet")
    await erase(client, own["id"])
    before = await told(client, OrganisationErased)
    assert await retell(client.app.state.database, STEPS) == 2
    assert await told(client, OrganisationErased) == before * 2
    assert [each["organisation_id"] for each in await told(client, OrganisationUpdated)] == [other["id"]]


async def test_a_company_that_comes_back_is_a_new_one(client: Client) -> None:
    company = newcomer(cvr="10000009")
    await hear(client, sign_up(company))
    await erase(client, str(company.id))
    back = newcomer(cvr="10000009")
    await hear(client, sign_up(back))
    answer = await client.get(f"/v1/organisations/{back.id}", headers=ADMIN)
    assert answer.status_code == 200


async def test_what_it_said_of_partners_goes_and_they_are_counted_anew(client: Client) -> None:
    own, partner, third = [await make(client, name) for name in ("Gærhuset", "Bageriet", "Mølleriet")]
    for one, other in ((own, partner), (third, own), (partner, third)):
        await say(client, one["id"], other["id"], "already_partners")
    assert await partners_counted(client) == {"Gærhuset": 2, "Bageriet": 2, "Mølleriet": 2}
    await erase(client, own["id"])
    assert await partners_counted(client) == {"Bageriet": 1, "Mølleriet": 1}


async def partners_counted(client: Client) -> dict[str, int]:
    async with client.app.state.database.reading() as session:
        return {each.name: each.partnerships for each in await session.exec(select(Organisation))}


async def test_what_was_merged_into_it_goes_with_it(client: Client) -> None:
    own, twice = await make(client, "Gærhuset"), await make(client, "Gærhuset ApS")
    merged = await client.post(f"/v1/organisations/{twice['id']}/merge", json={"into": own["id"]}, headers=ADMIN)
    assert merged.status_code == 200, merged.text
    by_the_other_link = await client.delete(f"/v1/organisations/{twice['id']}", params=key_of(twice["id"]))
    assert (by_the_other_link.status_code, by_the_other_link.json()["erased"]["profiles"]) == (202, 2)
    messages = await told(client, OrganisationErased)
    assert [message["organisation_id"] for message in messages] == [twice["id"], own["id"]]
    await hear(client, sign_up(RegisteredOrganisation(id=UUID(twice["id"]), name="Gærhuset ApS")))
    for organisation in (own, twice):
        assert await rows_about(client, organisation["id"]) == []
        seen = await client.get(f"/v1/organisations/{organisation['id']}/erasure", params=key_of(twice["id"]))
        assert seen.json()["organisations"] == sorted((own["id"], twice["id"]))

    for message in messages:
        assert (await report(client, own["id"]))["missing"] == ["events", "notify"]
        await hear(client, *(answer_of(kind, message, links=2) for kind in OTHERS))
    complete = await report(client, twice["id"])
    assert (complete["status"], [part["service"] for part in complete["parts"]]) == (
        "complete",
        ["events", "matching", "notify"],
    )
    assert complete["parts"][0]["erased"] == {"links": 4}
    assert complete["parts"][0]["kept"][0]["count"] == 4


class TestReplicas:
    @pytest.fixture
    def dialect(self) -> str:
        """On SQLite a service is one process."""
        return "postgresql"

    async def test_every_replica_forgets_it_before_its_next_answer(self, database_url: str) -> None:
        settings = settings_for(Settings, "matching", database_url)
        async with running(create_app, settings) as one, running(create_app, settings) as other:
            asks = await make(one, "Bageriet", "startup", needs=SEEKS)
            gone = await make(one, "Gærhuset", offers=GIVES)
            for replica in (one, other):
                assert names(await suggestions(replica, asks["id"])) == ["Gærhuset"]
            await erase(one, gone["id"])
            for replica in (other, one):
                assert UUID(gone["id"]) not in await replica.app.state.index.now()
                assert await suggestions(replica, asks["id"]) == []

    async def test_a_unit_made_while_its_parent_is_erased_is_refused_or_stands_alone(self, database_url: str) -> None:
        async with running(create_app, settings_for(Settings, "matching", database_url)) as client:
            for at in range(4):
                above = await make(client, f"Universitet {at}", "research")
                unit = {"name": f"Institut {at}", "kind": "research", "parent": above["id"]}
                made, erased = await asyncio.gather(
                    client.post("/v1/organisations", json=unit, headers=ADMIN),
                    client.delete(f"/v1/organisations/{above['id']}", headers=ADMIN),
                )
                assert (made.status_code, erased.status_code) in ((201, 202), (422, 202))
