"""The people who may act for an organisation."""

from shared.contracts.matching import MemberAdded, MemberRemoved
from tests.matching.builders import ADMIN, Row, key_of, make, manager_of, member_of, told
from tests.support.services import Client

METTE = {"name": "Mette Holm", "email": "mette@dhigroup.com"}


async def listed(client: Client, organisation: Row) -> list[str]:
    answer = await client.get(f"/v1/organisations/{organisation['id']}/members", headers=manager_of(organisation["id"]))
    return [member["name"] for member in answer.json()["items"]]


async def test_a_manager_adds_and_removes_a_member_and_the_others_hear_of_it(client: Client) -> None:
    dhi = await make(client, "DHI", "research")
    path, manager = f"/v1/organisations/{dhi['id']}/members", manager_of(dhi["id"])
    added = await client.post(path, json=METTE, headers=manager)
    assert (added.status_code, added.json()["role"]) == (201, "member")
    assert await listed(client, dhi) == ["Mette Holm"]
    (told_of,) = await told(client, MemberAdded)
    assert (told_of["email"], told_of["organisation_id"], told_of["version"]) == (METTE["email"], dhi["id"], 1)

    assert (await client.delete(f"{path}/{added.json()['id']}", headers=manager)).status_code == 204
    assert await listed(client, dhi) == []
    (gone,) = await told(client, MemberRemoved)
    assert (gone["member_id"], gone["version"]) == (added.json()["id"], 2)
    assert (await client.delete(f"{path}/{added.json()['id']}", headers=manager)).status_code == 404


async def test_one_address_is_one_member(client: Client) -> None:
    dhi = await make(client, "DHI", "research")
    path = f"/v1/organisations/{dhi['id']}/members"
    await client.post(path, json=METTE, headers=ADMIN)
    again = await client.post(path, json={**METTE, "email": "Mette@DHIgroup.com"}, headers=ADMIN)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/already-member")


async def test_members_are_managed_by_managers_alone(client: Client) -> None:
    dhi, hidden = await make(client, "DHI", "research"), await make(client, "Kladde", "startup", published=False)
    path = f"/v1/organisations/{dhi['id']}/members"
    refused: list[tuple[Row, int]] = [
        ({}, 401),
        ({"headers": member_of(dhi["id"])}, 403),
        ({"params": key_of(dhi["id"])}, 403),
    ]
    for caller, status in refused:
        assert (await client.get(path, **caller)).status_code == status
        assert (await client.post(path, json=METTE, **caller)).status_code == status
    stranger = manager_of(dhi["id"])
    assert (await client.get(f"/v1/organisations/{hidden['id']}/members", headers=stranger)).status_code == 404
