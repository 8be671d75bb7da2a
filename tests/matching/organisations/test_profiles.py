"""What organisations say of themselves: making, changing and finding profiles."""

import pytest

from shared.contracts.matching import OrganisationCreated, OrganisationUpdated, ProfileLinkRequested
from tests.matching.builders import (
    ADMIN,
    contact,
    hear,
    key_of,
    make,
    manager_of,
    member_of,
    need,
    newcomer,
    offer,
    sign_up,
    told,
)
from tests.support.callers import as_caller
from tests.support.services import Client


async def test_the_secretariat_makes_an_organisation_and_the_others_hear_of_it(client: Client) -> None:
    made = await make(client, "Novonesis", website="https://www.novonesis.com", cvr="10007127", hub="kalundborg")
    assert made["published"] is True
    assert made["cvr"] == "10007127"
    (facts,) = await told(client, OrganisationCreated)
    assert facts["organisation_id"] == made["id"]
    assert facts["website"] == "https://www.novonesis.com"
    assert facts["published"] is True


async def test_anybody_makes_a_profile_that_the_mailed_link_publishes(client: Client) -> None:
    body = {"name": "Gærhuset ApS", "kind": "startup", "contacts": [contact()]}
    answer = await client.post("/v1/organisations", json=body)
    made = answer.json()
    assert answer.status_code == 201
    assert made["published"] is False
    assert made["next_steps"][0]["action"] == "open_mailed_link"
    (link,) = await told(client, ProfileLinkRequested)
    assert (link["recipient"]["email"], link["reason"]) == ("mette@gaerhuset.example.org", "created")

    path = f"/v1/organisations/{made['id']}"
    assert (await client.get(path)).status_code == 404
    changed = await client.patch(path, params=key_of(made["id"]), json={"summary": {"da": "Vi brygger gær."}})
    assert changed.status_code == 200
    assert (await client.get(path)).json()["summary"] == {"da": "Vi brygger gær."}
    assert (await told(client, OrganisationUpdated))[-1]["claimed"] is True


async def test_one_called_as_another_waits_for_the_secretariat_whatever_the_address(client: Client) -> None:
    body = {"name": "Gærhuset ApS", "kind": "startup", "contacts": [contact(email="mette@gmail.com")]}
    made = (await client.post("/v1/organisations", json=body)).json()
    assert made["next_steps"][0]["action"] == "open_mailed_link"
    again = body | {"name": "GÆRHUSET", "contacts": [contact(email="eve@gaerhuset.example.org")]}
    assert (await client.post("/v1/organisations", json=again)).json()["next_steps"][0]["action"] == "wait_for_approval"
    assert [each["recipient"]["email"] for each in await told(client, ProfileLinkRequested)] == ["mette@gmail.com"]


async def test_the_same_key_makes_one_organisation(client: Client) -> None:
    body = {"name": "Gærhuset ApS", "kind": "startup", "contacts": [contact()]}
    headers = {"Idempotency-Key": "a-key-that-is-long-enough"}
    first = await client.post("/v1/organisations", json=body, headers=headers)
    again = await client.post("/v1/organisations", json=body, headers=headers)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(await told(client, OrganisationCreated)) == 1


async def test_a_public_profile_without_a_contact_is_refused(client: Client) -> None:
    answer = await client.post("/v1/organisations", json={"name": "Gærhuset ApS", "kind": "startup"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/contacts"


async def test_a_change_merges_texts_and_replaces_arrays(client: Client) -> None:
    made = await make(client, "DHI", "research", summary={"da": "Vand.", "en": "Water."}, sectors=["biotech"])
    path, member = f"/v1/organisations/{made['id']}", member_of(made["id"])
    changed = await client.patch(path, json={"summary": {"en": None}, "sectors": ["pharma"]}, headers=member)
    assert changed.json()["summary"] == {"da": "Vand."}
    assert changed.json()["sectors"] == ["pharma"]
    assert changed.json()["name"] == "DHI"
    assert changed.headers["ETag"] == '"2"'
    emptied = await client.patch(path, json={"summary": None}, headers=member)
    assert emptied.json()["summary"] is None


async def test_offers_keep_their_ids_and_want_the_version_that_was_read(client: Client) -> None:
    made = await make(client, "DHI", "research", offers=[offer("Modeller af havvand")])
    path, member = f"/v1/organisations/{made['id']}", member_of(made["id"])
    kept = made["offers"][0]
    body = {"offers": [{**kept, "text": {"da": "Modeller af fjorde"}}, offer("Måling af spildevand")]}

    unread = await client.patch(path, json=body, headers=member)
    assert (unread.status_code, unread.json()["type"]) == (428, "/problems/if-match-required")
    changed = await client.patch(path, json=body, headers={**member, "If-Match": '"1"'})
    assert [each["text"]["da"] for each in changed.json()["offers"]] == ["Modeller af fjorde", "Måling af spildevand"]
    assert changed.json()["offers"][0]["id"] == kept["id"]
    stale = await client.patch(path, json=body, headers={**member, "If-Match": '"1"'})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")


async def test_an_id_of_another_profile_is_refused(client: Client) -> None:
    made = await make(client, "DHI", "research")
    body = {"needs": [need("Vandprøver", id="0190-of-somebody-else")]}
    headers = {**member_of(made["id"]), "If-Match": "*"}
    answer = await client.patch(f"/v1/organisations/{made['id']}", json=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/needs/0/id"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": None}, "/kind"),
        ({"kind": "bank"}, "/kind"),
        ({"cvr": "12345678"}, "/cvr"),
        ({"name": "a\u0000b"}, "/name"),
        ({"summary": {"de": "Wasser"}}, "/summary/de"),
        ({"website": "not an address"}, "/website"),
        ({"shoe_size": 44}, "/shoe_size"),
        ({"parent": "01a20116-bf8e-7283-845c-623721683b21"}, "/parent"),
        ({"contacts": [{"name": "Mette", "email": "mette"}]}, "/contacts/0/email"),
    ],
)
async def test_a_field_that_cannot_be_is_named_and_nothing_is_changed(
    client: Client, body: dict[str, object], pointer: str
) -> None:
    made = await make(client, "DHI", "research")
    path = f"/v1/organisations/{made['id']}"
    answer = await client.patch(path, json=body, headers=member_of(made["id"]))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await client.get(path)).json()["version"] == 1


async def test_units_have_a_parent_that_is_no_unit(client: Client) -> None:
    university = await make(client, "DTU", "research")
    unit = await make(client, "DTU Aqua", "research", parent=university["id"])
    assert unit["parent"] == university["id"]
    below = {"name": "Laboratoriet", "kind": "research", "parent": unit["id"]}
    answer = await client.post("/v1/organisations", json=below, headers=ADMIN)
    assert answer.json()["errors"] == [{"pointer": "/parent", "detail": "a parent has no parent itself"}]
    units = (await client.get("/v1/organisations", params={"parent": university["id"]})).json()["items"]
    assert [each["name"] for each in units] == ["DTU Aqua"]


async def test_a_profile_without_a_kind_cannot_be_published(client: Client) -> None:
    company = newcomer()
    await hear(client, sign_up(company))
    path = f"/v1/organisations/{company.id}"
    answer = await client.patch(path, params=key_of(company.id), json={"published": True})
    assert (answer.status_code, answer.json()["missing"]) == (409, ["kind"])
    answer = await client.patch(path, params=key_of(company.id), json={"published": True, "kind": "startup"})
    assert answer.json()["published"] is True


async def test_only_its_own_people_change_a_profile(client: Client) -> None:
    made, other = await make(client, "DHI", "research"), await make(client, "DTU", "research")
    path = f"/v1/organisations/{made['id']}"
    assert (await client.patch(path, json={"hub": "aarhus"})).status_code == 401
    assert (await client.patch(path, json={"hub": "aarhus"}, headers=member_of(other["id"]))).status_code == 403
    assert (await client.patch(path, json={"hub": "aarhus"}, params=key_of(other["id"]))).status_code == 403
    organiser = as_caller("organiser", organisation=made["id"])
    assert (await client.patch(path, json={"hub": "aarhus"}, headers=organiser)).status_code == 403
    assert (await client.patch(path, json={"hub": "aarhus"}, headers=manager_of(made["id"]))).status_code == 200
    hidden = await make(client, "Kladde", "startup", published=False)
    answer = await client.patch(f"/v1/organisations/{hidden['id']}", json={"hub": None}, headers=member_of(other["id"]))
    assert answer.status_code == 404


async def test_a_replaced_link_is_over(client: Client) -> None:
    made = await make(client, "DHI", "research")
    answer = await client.get(f"/v1/organisations/{made['id']}", params=key_of(made["id"], version=2))
    assert (answer.status_code, answer.json()["type"]) == (410, "/problems/link-expired")


async def test_the_public_is_told_when_nothing_has_changed(client: Client) -> None:
    made = await make(client, "DHI", "research")
    for path in (f"/v1/organisations/{made['id']}", "/v1/organisations", "/v1/vocabulary"):
        first = await client.get(path)
        seen = {"If-None-Match": first.headers["ETag"]}
        same = await client.get(path, headers=seen)
        assert (same.status_code, same.content) == (304, b"")
        await client.patch(f"/v1/organisations/{made['id']}", json={"summary": {"da": path}}, headers=ADMIN)
        changed = await client.get(path, headers=seen)
        assert changed.status_code == (304 if path == "/v1/vocabulary" else 200)


async def test_who_may_change_a_profile_is_answered_with_its_version(client: Client) -> None:
    made = await make(client, "DHI", "research")
    path = f"/v1/organisations/{made['id']}"
    read = await client.get(path, headers=member_of(made["id"]))
    assert (read.headers["ETag"], read.headers["Cache-Control"]) == ('"1"', "private, no-cache")
    public = (await client.get(path)).headers["ETag"]
    for if_match, status in ((public, 412), ("3", 422), ('W/"1"', 412), ('"7", "1"', 200)):
        headers = {**member_of(made["id"]), "If-Match": if_match}
        assert (await client.patch(path, json={"hub": "odense"}, headers=headers)).status_code == status


async def test_an_unknown_organisation_may_be_on_its_way(client: Client) -> None:
    answer = await client.get("/v1/organisations/01a20116-bf8e-7283-845c-623721683b21")
    assert (answer.status_code, answer.headers["Retry-After"]) == (404, "1")


async def test_the_list_is_filtered_and_read_page_by_page(client: Client) -> None:
    await make(
        client, "Ørsted", "producer", sectors=["biosolutions"], hub="kalundborg", summary={"da": "Damp og VARME"}
    )
    await make(client, "Aarhus Universitet", "research", sectors=["biotech", "health_data"])
    await make(client, "bioneer", "research", sectors=["biotech"], focus_areas=["education_research_innovation"])
    await make(client, "Kladde", "startup", published=False)

    async def listed(**query: str | int) -> list[str]:
        answer = await client.get("/v1/organisations", params=query)
        assert answer.status_code == 200, answer.text
        return [each["name"] for each in answer.json()["items"]]

    assert await listed() == ["Aarhus Universitet", "bioneer", "Ørsted"]
    assert await listed(sector="biotech") == ["Aarhus Universitet", "bioneer"]
    assert await listed(kind="producer") == ["Ørsted"]
    assert await listed(hub="kalundborg") == ["Ørsted"]
    assert await listed(focus_area="education_research_innovation") == ["bioneer"]
    assert await listed(q="varme ØRSTED") == ["Ørsted"]
    assert await listed(q="100%") == []
    first = (await client.get("/v1/organisations", params={"limit": 2})).json()
    assert await listed(limit=2, cursor=first["next_cursor"]) == ["Ørsted"]
    by_time = (await client.get("/v1/organisations", params={"limit": 2, "sort": "updated_at"})).json()
    assert await listed(limit=2, sort="updated_at", cursor=by_time["next_cursor"]) == ["bioneer"]
    mixed = await client.get("/v1/organisations", params={"cursor": first["next_cursor"], "sort": "updated_at"})
    assert mixed.status_code == 422
    everything = await client.get("/v1/organisations", headers=ADMIN)
    assert "Kladde" in [each["name"] for each in everything.json()["items"]]
