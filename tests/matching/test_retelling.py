"""Telling again: every organisation and member as they stand, with the version they have."""

from services.matching.retelling import STEPS
from shared.contracts.matching import MemberAdded, OrganisationUpdated
from shared.messaging.retelling import retell
from tests.matching.builders import ADMIN, make, manager_of, told
from tests.support.services import Client


async def test_every_organisation_and_member_is_told_again_as_it_stands(client: Client) -> None:
    made = [await make(client, f"Gærhuset {number}") for number in range(3)]
    path = f"/v1/organisations/{made[0]['id']}"
    member = {"name": "Mette Holm", "email": "mette@gaerhuset.example.org", "role": "member"}
    added = await client.post(f"{path}/members", json=member, headers=ADMIN)
    assert added.status_code == 201, added.text
    changed = await client.patch(path, json={"name": "Gærhuset A/S"}, headers=manager_of(made[0]["id"]))
    assert changed.status_code == 200, changed.text
    organisations, members = await told(client, OrganisationUpdated), await told(client, MemberAdded)

    assert await retell(client.app.state.database, STEPS, batch=2) == 4
    again = (await told(client, OrganisationUpdated))[len(organisations) :]
    assert sorted(each["name"] for each in again) == ["Gærhuset 1", "Gærhuset 2", "Gærhuset A/S"]
    assert organisations[-1] in again
    assert (await told(client, MemberAdded))[len(members) :] == members
