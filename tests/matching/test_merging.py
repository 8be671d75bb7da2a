"""An organisation registered twice becomes one: all of it follows, and its old id, links and tokens mean that one."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import update
from sqlmodel import col

from services.matching.retelling import STEPS
from services.matching.tables import Organisation
from shared.contracts.events import EventUpdated, RegistrationUpdated
from shared.contracts.matching import (
    IntroductionCompleted,
    MemberAdded,
    MemberRemoved,
    OrganisationCreated,
    OrganisationMerged,
    OrganisationUpdated,
)
from shared.database import uuid7
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
    organiser_of,
    say,
    sign_up,
    suggestions,
    told,
)
from tests.support.callers import Headers
from tests.support.services import Client

YEAST = offer("Levende gær til bagerier")
WANTED = need("Levende gær til bagerier")


@pytest.fixture
async def double(client: Client) -> Row:
    """The registration that should not have been made."""
    return await make(client, "Gærhuset", offers=[YEAST])


@pytest.fixture
async def gaerhuset(client: Client) -> Row:
    """The one it goes on as."""
    return await make(client, "Gærhuset ApS", "producer", website="https://gaerhuset.example.org")


@pytest.fixture
async def bakery(client: Client) -> Row:
    return await make(client, "Bageriet", "startup", needs=[WANTED])


async def merging(client: Client, merged: Row | UUID, into: Row | UUID, **query: Any) -> tuple[int, Row]:
    ids = [each["id"] if isinstance(each, dict) else str(each) for each in (merged, into)]
    path = f"/v1/organisations/{ids[0]}/merge"
    answer = await client.post(path, json={"into": ids[1]}, params=query, headers=ADMIN)
    return answer.status_code, answer.json()


async def merge(client: Client, merged: Row | UUID, into: Row | UUID, **query: Any) -> Row:
    status, answer = await merging(client, merged, into, **query)
    assert status == 200, answer
    return answer


async def profile(client: Client, organisation: Row | UUID, headers: Headers = ADMIN) -> Row:
    identity = organisation["id"] if isinstance(organisation, dict) else organisation
    answer = await client.get(f"/v1/organisations/{identity}", headers=headers)
    assert answer.status_code == 200, answer.text
    found: Row = answer.json()
    return found


async def add_member(client: Client, organisation: Row, email: str, role: str = "member") -> None:
    person = {"name": email.split("@")[0].title(), "email": email, "role": role}
    added = await client.post(f"/v1/organisations/{organisation['id']}/members", json=person, headers=ADMIN)
    assert added.status_code == 201, added.text


async def roles(client: Client, organisation: Row) -> dict[str, str]:
    found = await client.get(f"/v1/organisations/{organisation['id']}/members", headers=ADMIN)
    return {each["email"]: each["role"] for each in found.json()["items"]}


async def introductions_of(client: Client, organisation: Row) -> list[tuple[str, set[str]]]:
    found = await client.get("/v1/introductions", headers=member_of(organisation["id"]))
    assert found.status_code == 200, found.text
    return [
        (each["status"], {party["organisation"]["name"] for party in each["parties"]}) for each in found.json()["items"]
    ]


# --- the profile --------------------------------------------------------------------------------------------------


async def test_what_the_survivor_leaves_open_is_filled_and_what_it_says_stays(client: Client) -> None:
    merged = await make(
        client,
        "Gærhuset",
        "supplier",
        cvr="10007127",
        hub="kalundborg",
        sectors=["biotech"],
        summary={"da": "Vi laver gær.", "en": "We make yeast."},
        contacts=[contact()],
    )
    into = await make(client, "Gærhuset ApS", "producer", sectors=["biosolutions"], summary={"da": "Gær i Køge."})
    answer = await merge(client, merged, into)
    assert answer["takes_over"] == ["contacts", "cvr", "hub", "summary"]
    found = await profile(client, into)
    assert (found["name"], found["kind"], found["sectors"]) == ("Gærhuset ApS", "producer", ["biosolutions"])
    assert (found["cvr"], found["hub"]) == ("10007127", "kalundborg")
    assert found["summary"] == {"da": "Gær i Køge.", "en": "We make yeast."}
    assert [each["name"] for each in found["contacts"]] == ["Mette Holm"]
    assert found["version"] == into["version"] + 1


async def test_offers_and_needs_are_joined_and_the_same_is_said_once(client: Client) -> None:
    merged = await make(
        client, "Gærhuset", offers=[offer("levende  GÆR"), offer("Tørgær")], needs=[need("Melasse", "resource")]
    )
    into = await make(client, "Gærhuset ApS", offers=[offer("Levende gær")])
    answer = await merge(client, merged, into)
    assert answer["takes_over"] == ["needs", "offers"]
    found = await profile(client, into)
    assert [each["text"]["da"] for each in found["offers"]] == ["Levende gær", "Tørgær"]
    assert [each["text"]["da"] for each in found["needs"]] == ["Melasse"]
    assert into["offers"][0]["id"] == found["offers"][0]["id"]


async def test_more_than_a_profile_holds_is_refused(client: Client) -> None:
    merged = await make(client, "Gærhuset", needs=[need(f"Melasse {number}") for number in range(60)])
    into = await make(client, "Gærhuset ApS", needs=[need(f"Vand {number}") for number in range(60)])
    status, problem = await merging(client, merged, into)
    assert (status, problem["type"]) == (409, "/problems/too-many-statements")
    assert (problem["field"], problem["missing_room"]) == ("needs", 20)


async def test_a_number_of_another_country_is_left_out(client: Client) -> None:
    merged = await make(client, "Gärhuset", country="SE", cvr="5560160680")
    into = await make(client, "Gærhuset ApS")
    assert (await merge(client, merged, into))["takes_over"] == []
    assert (await profile(client, into))["cvr"] is None


async def test_a_published_double_publishes_what_nobody_has_claimed_and_shows_nobody_who_hid(client: Client) -> None:
    for claimed in (False, True):
        merged = await make(client, "Gærhuset")
        into = await make(client, "Gærhuset ApS", published=False)
        if claimed:
            own = await client.patch(
                f"/v1/organisations/{into['id']}", json={"hub": "aarhus"}, headers=member_of(into["id"])
            )
            assert own.json()["claimed"]
        await merge(client, merged, into)
        assert (await profile(client, into))["published"] is not claimed


# --- what follows -------------------------------------------------------------------------------------------------


async def test_units_follow_to_the_new_parent_and_each_is_told(client: Client, double: Row, gaerhuset: Row) -> None:
    units = [await make(client, name, parent=double["id"]) for name in ("Laboratoriet", "Lageret")]
    assert (await merge(client, double, gaerhuset))["follow"]["units"] == 2
    listed = await client.get("/v1/organisations", params={"parent": gaerhuset["id"]})
    assert [each["name"] for each in listed.json()["items"]] == ["Laboratoriet", "Lageret"]
    assert (await client.get("/v1/organisations", params={"parent": double["id"]})).json() == listed.json()
    told_of = [(each["organisation_id"], each["parent"]) for each in await told(client, OrganisationUpdated)]
    assert sorted(told_of) == sorted((unit["id"], gaerhuset["id"]) for unit in units)


async def test_a_unit_takes_its_parents_place_and_the_others_follow(client: Client, double: Row) -> None:
    unit, other = [await make(client, name, parent=double["id"]) for name in ("Gærhuset ApS", "Lageret")]
    assert (await merge(client, double, unit))["follow"]["units"] == 1
    assert (await profile(client, unit))["parent"] is None
    assert (await profile(client, other))["parent"] == unit["id"]


async def test_a_unit_becomes_one_with_its_parent(client: Client, double: Row) -> None:
    unit = await make(client, "Gærhuset ApS", parent=double["id"])
    await merge(client, unit, double)
    assert (await profile(client, unit))["id"] == double["id"]
    assert (await profile(client, double))["parent"] is None


async def test_units_of_a_unit_are_refused(client: Client, double: Row, gaerhuset: Row) -> None:
    await make(client, "Lageret", parent=double["id"])
    unit = await make(client, "Laboratoriet", parent=gaerhuset["id"])
    status, problem = await merging(client, double, unit)
    assert (status, problem["type"]) == (409, "/problems/unit-of-another")


async def test_members_follow_once_an_address_and_a_manager_stays_one(
    client: Client, double: Row, gaerhuset: Row
) -> None:
    await add_member(client, double, "Mette@example.org", "manager")
    await add_member(client, double, "jens@example.org")
    await add_member(client, gaerhuset, "mette@example.org")
    before = len(await told(client, MemberAdded))
    assert (await merge(client, double, gaerhuset))["follow"]["members"] == 1
    assert await roles(client, gaerhuset) == {"mette@example.org": "manager", "jens@example.org": "member"}
    added = (await told(client, MemberAdded))[before:]
    assert {(each["email"], each["organisation_id"], each["version"]) for each in added} == {
        ("mette@example.org", gaerhuset["id"], 2),
        ("jens@example.org", gaerhuset["id"], 2),
    }
    (removed,) = await told(client, MemberRemoved)
    assert (removed["email"], removed["organisation_id"]) == ("Mette@example.org", double["id"])


async def test_claims_follow_and_one_that_was_mailed_stays_so(client: Client) -> None:
    company, gaerhuset = newcomer(), await make(client, "Gærhuset Holding")
    await hear(client, sign_up(company, email="mette@gmail.com"))
    for email in ("mette@gmail.com", "jens@gmail.com"):
        for organisation in (company.id, gaerhuset["id"]):
            person = {"name": "Nogen", "email": email}
            await client.post(f"/v1/organisations/{organisation}/claim", json=person)
    await merge(client, company.id, gaerhuset)
    claims = (await client.get("/v1/organisations/claims", headers=ADMIN)).json()["items"]
    assert sorted((each["email"], each["organisation"], each["status"]) for each in claims) == [
        ("jens@gmail.com", gaerhuset["id"], "waiting"),
        ("mette@gmail.com", gaerhuset["id"], "mailed"),
    ]
    (waiting,) = [each for each in claims if each["status"] == "waiting"]
    decided = await client.post(f"/v1/organisations/{company.id}/claims/{waiting['id']}/approve", headers=ADMIN)
    assert (decided.status_code, decided.json()["organisation"]) == (200, gaerhuset["id"])


async def test_answers_follow_the_survivors_own_holds_and_none_is_about_oneself(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    other = await make(client, "Bryggeriet", needs=[WANTED])
    await say(client, double["id"], bakery["id"], "not_for_us")
    await say(client, double["id"], other["id"], "not_for_us")
    await say(client, gaerhuset["id"], other["id"], "already_partners")
    await say(client, double["id"], gaerhuset["id"], "not_for_us")
    await say(client, gaerhuset["id"], double["id"], "already_partners")
    assert (await merge(client, double, gaerhuset))["follow"]["answers"] == 1
    assert names(await suggestions(client, gaerhuset["id"])) == []
    path = f"/v1/organisations/{gaerhuset['id']}/suggestions"
    for each in (bakery, other):
        assert (
            await client.delete(f"{path}/{each['id']}/answer", headers=member_of(gaerhuset["id"]))
        ).status_code == 204
    assert sorted(names(await suggestions(client, gaerhuset["id"]))) == ["Bageriet", "Bryggeriet"]


async def test_introductions_follow_one_a_pair_and_the_one_that_came_further_stays(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    for mine, other in ((double, bakery), (bakery, double), (gaerhuset, bakery)):
        await say(client, mine["id"], other["id"], "yes")
    await say(client, double["id"], gaerhuset["id"], "yes")
    await merge(client, double, gaerhuset)
    one = [("completed", {"Gærhuset ApS", "Bageriet"})]
    assert await introductions_of(client, gaerhuset) == one
    assert await introductions_of(client, bakery) == one


async def test_who_was_asked_by_one_and_asked_by_the_other_is_put_in_touch(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    await say(client, bakery["id"], double["id"], "yes", "Vi bager i Køge.")
    await say(client, gaerhuset["id"], bakery["id"], "yes", "Vi leverer gerne.")
    await merge(client, double, gaerhuset)
    (completed,) = await told(client, IntroductionCompleted)
    assert {(each["name"], each["message"]) for each in completed["parties"]} == {
        ("Bageriet", "Vi bager i Køge."),
        ("Gærhuset ApS", "Vi leverer gerne."),
    }
    assert await introductions_of(client, bakery) == [("completed", {"Gærhuset ApS", "Bageriet"})]


async def test_a_no_of_the_survivor_declines_what_the_other_was_asked_and_nobody_is_told(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    await say(client, bakery["id"], double["id"], "yes")
    await say(client, gaerhuset["id"], bakery["id"], "not_for_us")
    await merge(client, double, gaerhuset)
    assert await introductions_of(client, gaerhuset) == [("declined", {"Gærhuset ApS", "Bageriet"})]
    assert await introductions_of(client, bakery) == [("requested", {"Gærhuset ApS", "Bageriet"})]


async def test_a_yes_of_the_one_merged_is_withdrawn_where_the_survivor_said_no(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    await say(client, double["id"], bakery["id"], "yes")
    await say(client, gaerhuset["id"], bakery["id"], "not_for_us")
    await merge(client, double, gaerhuset)
    assert await introductions_of(client, gaerhuset) == []
    assert await introductions_of(client, bakery) == []


async def test_a_request_goes_on_in_the_survivors_name_and_can_be_answered(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    await say(client, bakery["id"], double["id"], "yes")
    assert (await merge(client, double, gaerhuset))["follow"]["introductions"] == 1
    said = await say(client, gaerhuset["id"], bakery["id"], "yes")
    assert said["status"] == "completed"


async def test_who_is_going_goes_on_as_the_survivor(client: Client, double: Row, gaerhuset: Row, bakery: Row) -> None:
    event = ceremony(uuid7())
    going = [
        sign_up(newcomer(each["name"], id=each["id"], new=False), event=event.event_id, shown=True)
        for each in (double, bakery)
    ]
    await hear(client, event, *going)
    assert (await merge(client, double, gaerhuset))["follow"]["going"] == 1
    meeting = await suggestions(client, bakery["id"], event=event.slug)
    assert [each["organisation"]["id"] for each in meeting] == [gaerhuset["id"]]


# --- old ids, links and tokens ------------------------------------------------------------------------------------


async def test_it_is_in_no_list_no_suggestion_and_no_index(client: Client, bakery: Row) -> None:
    merged, into = await make(client, "Gærhuset", offers=[YEAST]), await make(client, "Gærhuset ApS", offers=[YEAST])
    assert sorted(names(await suggestions(client, bakery["id"]))) == ["Gærhuset", "Gærhuset ApS"]
    await merge(client, merged, into)
    assert names(await suggestions(client, bakery["id"])) == ["Gærhuset ApS"]
    listed = await client.get("/v1/organisations", headers=ADMIN)
    assert [each["name"] for each in listed.json()["items"]] == ["Bageriet", "Gærhuset ApS"]
    index = await client.app.state.index.now()
    assert UUID(merged["id"]) not in index
    assert len(index) == 2


async def test_the_old_id_answers_for_the_survivor(client: Client, double: Row, gaerhuset: Row, bakery: Row) -> None:
    await merge(client, double, gaerhuset)
    old = f"/v1/organisations/{double['id']}"
    public = await client.get(old)
    assert (public.status_code, public.json()["id"]) == (200, gaerhuset["id"])
    changed = await client.patch(old, json={"hub": "aarhus"}, headers=member_of(gaerhuset["id"]))
    assert (changed.json()["id"], changed.json()["hub"]) == (gaerhuset["id"], "aarhus")
    assert names(await suggestions(client, double["id"], headers=member_of(gaerhuset["id"]))) == ["Bageriet"]
    assert (await say(client, bakery["id"], double["id"], "yes"))["status"] == "requested"
    assert await introductions_of(client, gaerhuset) == [("requested", {"Gærhuset ApS", "Bageriet"})]
    themselves = await client.put(
        f"{old}/suggestions/{gaerhuset['id']}/answer", json={"answer": "yes"}, headers=member_of(gaerhuset["id"])
    )
    assert themselves.status_code == 422
    unit = await make(client, "Lageret", parent=double["id"])
    assert unit["parent"] == gaerhuset["id"]


async def test_an_old_token_and_an_old_link_act_for_the_survivor(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    await add_member(client, double, "mette@example.org")
    await merge(client, double, gaerhuset)
    for address in (double["id"], gaerhuset["id"]):
        path = f"/v1/organisations/{address}"
        for headers, query in (
            (member_of(double["id"]), {}),
            ({}, key_of(double["id"])),
            ({}, key_of(gaerhuset["id"])),
        ):
            seen = await client.get(path, headers=headers, params=query)
            assert seen.json()["contacts"] == [], "only its own people see these"
            changed = await client.patch(path, json={"size": "small"}, headers=headers, params=query)
            assert changed.status_code == 200, changed.text
        members = await client.get(f"{path}/members", headers=manager_of(double["id"]))
        assert [each["email"] for each in members.json()["items"]] == ["mette@example.org"]
    assert (await say(client, double["id"], bakery["id"], "yes"))["status"] == "requested"
    assert await introductions_of(client, double) == [("requested", {"Gærhuset ApS", "Bageriet"})]


async def test_the_page_of_an_old_link_goes_on_where_it_was_opened(client: Client, double: Row, gaerhuset: Row) -> None:
    await merge(client, double, gaerhuset)
    page = f"/p/matching/organisations/{double['id']}"
    opened = await client.get(page, params=key_of(double["id"]), follow_redirects=True)
    assert opened.status_code == 200
    assert "Gærhuset ApS" in opened.text
    assert f'href="{page}/edit"' in opened.text
    assert gaerhuset["id"] not in opened.text
    assert (await client.get(f"{page}/edit")).status_code == 200


async def test_a_link_that_was_revoked_before_stays_revoked(client: Client, double: Row, gaerhuset: Row) -> None:
    async with client.app.state.database.transaction() as session:
        newer = update(Organisation).where(col(Organisation.id) == UUID(double["id"])).values(link_version=2)
        await (await session.connection()).execute(newer)
    await merge(client, double, gaerhuset)
    path = f"/v1/organisations/{gaerhuset['id']}"
    assert (await client.get(path, params=key_of(double["id"], 1))).status_code == 410
    assert (await client.get(path, params=key_of(double["id"], 2))).status_code == 200


async def test_what_was_merged_before_goes_on_as_the_last(client: Client, double: Row, gaerhuset: Row) -> None:
    last = await make(client, "Gærhuset A/S")
    await merge(client, double, gaerhuset)
    await merge(client, gaerhuset, last)
    assert (await profile(client, double))["id"] == last["id"]
    changed = await client.patch(
        f"/v1/organisations/{double['id']}", json={"size": "small"}, params=key_of(double["id"])
    )
    assert (changed.status_code, changed.json()["id"]) == (200, last["id"])
    assert (await merge(client, double, last))["follow"]["members"] == 0, "as good as done"


async def test_the_key_of_an_import_is_handed_on(client: Client) -> None:
    async def imported(*rows: str) -> list[Row]:
        answer = await client.post(
            "/v1/organisations/import",
            content="\n".join(rows),
            headers={**ADMIN, "Content-Type": "application/x-ndjson"},
        )
        assert answer.status_code == 200, answer.text
        found: list[Row] = answer.json()["rows"]
        return found

    row = '{"key": "%s", "name": "%s", "kind": "producer"}'
    first, second = await imported(row % ("a", "Gærhuset"), row % ("b", "Gærhuset A/S"))
    into = await make(client, "Gærhuset ApS")
    assert (await merge(client, UUID(first["id"]), into))["takes_over"] == ["import_key"]
    await merge(client, UUID(second["id"]), into)
    again = await imported(row % ("a", "Gærhuset I/S"), row % ("b", "Gærhuset A/S"))
    assert [(each["id"], each["result"]) for each in again] == [(into["id"], "updated"), (into["id"], "kept")]
    (unit,) = await imported('{"key": "c", "parent_key": "b", "name": "Lageret", "kind": "supplier"}')
    assert (await profile(client, UUID(unit["id"])))["parent"] == into["id"]


# --- messages -----------------------------------------------------------------------------------------------------


async def test_late_messages_with_the_old_id_count_for_the_survivor_and_make_no_profile(
    client: Client, gaerhuset: Row, bakery: Row
) -> None:
    company = newcomer()
    known = company.model_copy(update={"new": False})
    event = ceremony(company.id)
    first = sign_up(company, event=event.event_id, statuses=("waitlisted",))
    await hear(client, event, first)
    await merge(client, company.id, gaerhuset)
    partner = newcomer("Bageriet", id=UUID(bakery["id"]), new=False)
    late = [
        RegistrationUpdated(**{**first.model_dump(), "version": 2}),
        sign_up(known, event=event.event_id, email="jens@gaerhuset.example.org"),
        sign_up(partner, event=event.event_id, shown=True),
        EventUpdated(**{**event.model_dump(), "version": 2}),
    ]
    await hear(client, *late)
    await hear(client, *late)
    assert [each["name"] for each in await told(client, OrganisationCreated)] == [
        "Gærhuset ApS",
        "Bageriet",
        "Gærhuset ApS",
    ]
    meeting = await suggestions(client, bakery["id"], headers=organiser_of(company.id), event=event.slug)
    assert meeting == []
    at_event = await client.post(
        "/v1/search", json={"text": "gær", "event": event.slug}, headers=organiser_of(gaerhuset["id"])
    )
    assert at_event.status_code == 200, at_event.text


async def test_it_is_told_with_the_facts_of_the_survivor_and_told_again(
    client: Client, double: Row, gaerhuset: Row
) -> None:
    await merge(client, double, gaerhuset)
    (merged,) = await told(client, OrganisationMerged)
    assert (merged["merged_id"], merged["organisation_id"]) == (double["id"], gaerhuset["id"])
    assert (merged["name"], merged["version"], merged["link_version"]) == ("Gærhuset ApS", 2, 1)
    last = await make(client, "Gærhuset A/S")
    await merge(client, gaerhuset, last)
    await retell(client.app.state.database, STEPS, batch=1)
    again = (await told(client, OrganisationMerged))[2:]
    assert [(each["merged_id"], each["organisation_id"]) for each in again] == [
        (double["id"], last["id"]),
        (gaerhuset["id"], last["id"]),
    ]


# --- asking first, asking twice, asking wrongly -------------------------------------------------------------------


async def test_a_dry_run_says_what_would_follow_and_changes_nothing(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    await add_member(client, double, "mette@example.org")
    await make(client, "Lageret", parent=double["id"])
    await say(client, double["id"], bakery["id"], "yes")
    await hear(client, sign_up(newcomer(id=UUID(double["id"]), new=False)))
    await client.post(f"/v1/organisations/{double['id']}/claim", json={"name": "Ida", "email": "ida@example.org"})
    asked = await merge(client, double, gaerhuset, dry_run="true")
    assert asked == {
        "organisation": double["id"],
        "into": gaerhuset["id"],
        "dry_run": True,
        "takes_over": ["offers"],
        "follow": {"units": 1, "members": 1, "claims": 1, "answers": 1, "introductions": 1, "going": 1},
    }
    assert await told(client, OrganisationMerged) == []
    assert (await profile(client, double))["version"] == double["version"]
    assert await merge(client, double, gaerhuset) == asked | {"dry_run": False}


async def test_merged_again_nothing_changes(client: Client, double: Row, gaerhuset: Row) -> None:
    await merge(client, double, gaerhuset)
    again = await merge(client, double, gaerhuset)
    assert (again["takes_over"], set(again["follow"].values())) == ([], {0})
    assert (await profile(client, gaerhuset))["version"] == gaerhuset["version"] + 1
    assert len(await told(client, OrganisationMerged)) == 1


async def test_what_cannot_be_merged_is_refused(client: Client, double: Row, gaerhuset: Row, bakery: Row) -> None:
    assert (await merging(client, uuid7(), gaerhuset))[0] == 404
    for into in (double["id"], str(uuid7())):
        status, problem = await merging(client, double, UUID(into))
        assert (status, problem["errors"][0]["pointer"]) == (422, "/into")
    await merge(client, double, gaerhuset)
    for one, other in ((double, bakery), (bakery, double), (gaerhuset, double)):
        status, problem = await merging(client, one, other)
        assert (status, problem["type"]) == (409, "/problems/already-merged")
        assert (problem["organisation"], problem["merged_into"]) == (double["id"], gaerhuset["id"])
        assert problem["next_steps"][0]["href"] == f"/v1/organisations/{gaerhuset['id']}"


async def test_two_secretaries_at_once_merge_once(client: Client, double: Row, gaerhuset: Row) -> None:
    pairs = ((double, gaerhuset), (double, gaerhuset), (gaerhuset, double))
    outcomes = await asyncio.gather(*(merging(client, *pair) for pair in pairs))
    assert sorted(status for status, _ in outcomes) in ([200, 200, 409], [200, 409, 409])
    assert len(await told(client, OrganisationMerged)) == 1


async def test_a_yes_to_each_while_they_are_merged_asks_once(
    client: Client, double: Row, gaerhuset: Row, bakery: Row
) -> None:
    said = (say(client, bakery["id"], each["id"], "yes") for each in (double, gaerhuset))
    await asyncio.gather(*said, merge(client, double, gaerhuset), merge(client, double, gaerhuset))
    assert await introductions_of(client, bakery) == [("requested", {"Gærhuset ApS", "Bageriet"})]
