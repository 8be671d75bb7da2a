"""Links to a profile are replaced: the old ones end, and who belongs there still is mailed a new one."""

from typing import Any

import pytest

from shared.contracts.matching import OrganisationUpdated, ProfileLinkRequested
from tests.matching.builders import ADMIN, Row, key_of, make, manager_of, member_of, told
from tests.matching.organisations.test_claims import proven
from tests.support.services import Client

METTE = {"name": "Mette Holm", "email": "mette@dhigroup.com"}
JENS = {"name": "Jens Lund", "email": "jens@dhigroup.com"}


async def dhi_with_links(client: Client, *people: Row) -> Row:
    """An organisation, and people who were mailed its link."""
    dhi = await proven(client, "dhigroup.com", published=True)
    for person in people:
        claimed = await client.post(f"/v1/organisations/{dhi['id']}/claim", json=person)
        assert claimed.json()["status"] == "mailed"
    return dhi


async def opens(client: Client, organisation: Row, version: int) -> int:
    answer = await client.get(f"/v1/organisations/{organisation['id']}", params=key_of(organisation["id"], version))
    return answer.status_code


@pytest.mark.parametrize("by", ["manager", "link", "secretariat"])
async def test_each_holder_is_mailed_a_new_link_and_the_old_ones_end(client: Client, by: str) -> None:
    dhi = await dhi_with_links(client, METTE, JENS)
    callers: dict[str, dict[str, Any]] = {
        "manager": {"headers": manager_of(dhi["id"])},
        "link": {"params": key_of(dhi["id"])},
        "secretariat": {"headers": ADMIN},
    }
    answer = await client.post(f"/v1/organisations/{dhi['id']}/links", **callers[by])
    assert (answer.status_code, answer.json()) == (202, {"mailed": 2})
    assert (await opens(client, dhi, 1), await opens(client, dhi, 2)) == (410, 200)
    links = await told(client, ProfileLinkRequested)
    assert [(each["recipient"]["email"], each["link_version"]) for each in links] == [
        ("mette@dhigroup.com", 1),
        ("jens@dhigroup.com", 1),
        ("mette@dhigroup.com", 2),
        ("jens@dhigroup.com", 2),
    ]
    assert (await told(client, OrganisationUpdated))[-1]["link_version"] == 2


async def test_a_member_does_not_replace_them(client: Client) -> None:
    dhi = await dhi_with_links(client, METTE)
    refused = await client.post(f"/v1/organisations/{dhi['id']}/links", headers=member_of(dhi["id"]))
    assert refused.status_code == 403
    assert await opens(client, dhi, 1) == 200


async def test_who_leaves_loses_the_link_and_the_others_have_theirs(client: Client) -> None:
    dhi = await dhi_with_links(client, METTE, JENS)
    members = f"/v1/organisations/{dhi['id']}/members"
    member = (await client.post(members, json=METTE, headers=ADMIN)).json()
    assert (await client.delete(f"{members}/{member['id']}", headers=ADMIN)).status_code == 204
    assert (await opens(client, dhi, 1), await opens(client, dhi, 2)) == (410, 200)
    assert [each["recipient"]["email"] for each in (await told(client, ProfileLinkRequested))[2:]] == [JENS["email"]]
    await client.post(f"/v1/organisations/{dhi['id']}/claim", json=METTE)
    assert len(await told(client, ProfileLinkRequested)) == 3, "nor by asking again"


async def test_a_member_without_a_link_leaves_and_nobody_is_troubled(client: Client) -> None:
    dhi = await dhi_with_links(client, JENS)
    members = f"/v1/organisations/{dhi['id']}/members"
    member = (await client.post(members, json=METTE, headers=ADMIN)).json()
    await client.delete(f"{members}/{member['id']}", headers=ADMIN)
    assert await opens(client, dhi, 1) == 200


async def test_the_link_of_one_that_was_merged_into_it_ends_too(client: Client) -> None:
    dhi, twin = await dhi_with_links(client, METTE), await make(client, "DHI A/S", "research")
    merged = await client.post(f"/v1/organisations/{twin['id']}/merge", json={"into": dhi["id"]}, headers=ADMIN)
    assert merged.status_code == 200, merged.text
    assert await opens(client, twin, 1) == 200
    await client.post(f"/v1/organisations/{dhi['id']}/links", headers=ADMIN)
    assert await opens(client, twin, 1) == 410
