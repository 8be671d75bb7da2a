"""Who is a unit of whom: both have to say so."""

from shared.contracts.matching import OrganisationUpdated
from tests.matching.builders import ADMIN, Row, contact, key_of, make, manager_of, member_of, told
from tests.support.services import Client


async def units(client: Client, above: Row) -> list[Row]:
    answer = await client.get(f"/v1/organisations/{above['id']}/units", headers=manager_of(above["id"]))
    assert answer.status_code == 200, answer.text
    items: list[Row] = answer.json()["items"]
    return items


async def listed(client: Client, above: Row) -> list[str]:
    answer = await client.get("/v1/organisations", params={"parent": above["id"]})
    return [each["name"] for each in answer.json()["items"]]


async def says_so(client: Client, above: Row, name: str = "Novonesis Payments") -> Row:
    """One that says by itself whose unit it is."""
    own = await make(client, name)
    body = {"parent": above["id"]}
    answer = await client.patch(f"/v1/organisations/{own['id']}", json=body, headers=member_of(own["id"]))
    assert answer.status_code == 200, answer.text
    changed: Row = answer.json()
    return changed


async def test_by_its_own_word_alone_it_lists_counts_and_tells_nowhere(client: Client) -> None:
    above = await make(client, "Novonesis")
    unit = await says_so(client, above)
    assert (unit["parent"], unit["stated_parent"]) == (None, above["id"])
    assert await listed(client, above) == []
    assert (await told(client, OrganisationUpdated))[-1].get("parent") is None
    assert (await client.get(f"/v1/organisations/{unit['id']}")).json()["stated_parent"] is None
    body = {"name": "Anonym", "kind": "startup", "parent": above["id"], "contacts": [contact()]}
    made = (await client.post("/v1/organisations", json=body)).json()
    assert made["parent"] is None
    assert sorted((each["name"], each["status"]) for each in await units(client, above)) == [
        ("Anonym", "stated"),
        ("Novonesis Payments", "stated"),
    ]


async def test_accepted_it_is_one_until_either_ends_it(client: Client) -> None:
    above = await make(client, "Novonesis")
    unit = await says_so(client, above)
    path = f"/v1/organisations/{above['id']}/units/{unit['id']}"
    for _ in range(2):
        accepted = await client.post(f"{path}/accept", params=key_of(above["id"]))
        assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")
    assert await listed(client, above) == ["Novonesis Payments"]
    facts = (await told(client, OrganisationUpdated))[-1]
    assert (facts["organisation_id"], facts["parent"]) == (unit["id"], above["id"])
    assert (await client.delete(path, headers=manager_of(above["id"]))).status_code == 204
    assert await listed(client, above) == []
    assert await units(client, above) == []


async def test_refused_it_stands_alone(client: Client) -> None:
    above = await make(client, "Novonesis")
    unit = await says_so(client, above)
    path = f"/v1/organisations/{above['id']}/units/{unit['id']}"
    assert (await client.post(f"{path}/refuse", headers=ADMIN)).status_code == 204
    assert (await client.post(f"{path}/accept", headers=ADMIN)).status_code == 404


async def test_a_unit_of_another_does_not_become_a_parent(client: Client) -> None:
    top, middle = await make(client, "Novo"), await make(client, "Novonesis")
    below = await says_so(client, middle)
    await client.patch(f"/v1/organisations/{middle['id']}", json={"parent": top["id"]}, headers=ADMIN)
    path = f"/v1/organisations/{middle['id']}/units/{below['id']}"
    assert (await client.post(f"{path}/accept", headers=ADMIN)).status_code == 409
