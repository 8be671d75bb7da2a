"""Asking for the link to a profile: who is mailed it at once, and for whom the secretariat decides."""

import json
from typing import Any

import pytest

from shared.contracts.matching import ProfileLinkRequested
from tests.matching.builders import ADMIN, Row, key_of, make, member_of, told
from tests.support.services import Client

METTE = {"name": "Mette Holm", "email": "mette@dhigroup.com", "language": "en"}


async def proven(client: Client, domain: str, **fields: Any) -> Row:
    """DHI, whose mail domain an import has proven."""
    row = {"name": "DHI", "kind": "research", "key": "dhi", "mail_domains": [domain], **fields}
    headers = {**ADMIN, "Content-Type": "application/x-ndjson"}
    imported = await client.post("/v1/organisations/import", content=json.dumps(row), headers=headers)
    assert imported.status_code == 200, imported.text
    (made,) = (await client.get("/v1/organisations?q=DHI")).json()["items"]
    found: Row = made
    return found


async def claim(client: Client, organisation: Row, **person: str) -> Row:
    answer = await client.post(f"/v1/organisations/{organisation['id']}/claim", json={**METTE, **person})
    assert answer.status_code == 202, answer.text
    body: Row = answer.json()
    return body


async def test_an_address_at_the_proven_domain_is_mailed_the_link(client: Client) -> None:
    dhi = await proven(client, "dhigroup.com")
    answer = await claim(client, dhi)
    assert answer["status"] == "mailed"
    assert answer["next_steps"][0]["action"] == "open_mailed_link"
    (link,) = await told(client, ProfileLinkRequested)
    assert link["recipient"] == {"name": "Mette Holm", "email": "mette@dhigroup.com", "language": "en"}
    assert (link["reason"], link["link_version"]) == ("claimed", 1)


async def test_asking_again_at_once_does_not_fill_the_letter_box(client: Client) -> None:
    dhi = await proven(client, "dhigroup.com")
    await claim(client, dhi)
    assert (await claim(client, dhi, email="METTE@dhigroup.com"))["status"] == "mailed"
    assert len(await told(client, ProfileLinkRequested)) == 1


@pytest.mark.parametrize(
    "email", ["mette@gmail.com", "mette@notdhigroup.com", "mette@lab.dhigroup.com", "mette@dhi.dk"]
)
async def test_any_other_address_waits_for_the_secretariat(client: Client, email: str) -> None:
    dhi = await proven(client, "dhigroup.com", website="https://www.dhi.dk")
    assert (await claim(client, dhi, email=email))["status"] == "waiting"
    assert await told(client, ProfileLinkRequested) == []


async def test_a_claimed_profile_is_not_given_away_even_to_its_own_domain(client: Client) -> None:
    dhi = await proven(client, "dhigroup.com")
    await client.patch(f"/v1/organisations/{dhi['id']}", json={"hub": "odense"}, params=key_of(dhi["id"]))
    assert (await claim(client, dhi))["status"] == "waiting"


async def test_the_secretariat_approves_and_the_link_is_mailed_once(client: Client) -> None:
    dhi = await make(client, "DHI", "research")
    await claim(client, dhi, email="mette@gmail.com")
    (waiting,) = (await client.get("/v1/organisations/claims?status=waiting", headers=ADMIN)).json()["items"]
    assert (waiting["organisation_name"], waiting["email"]) == ("DHI", "mette@gmail.com")

    path = f"/v1/organisations/{dhi['id']}/claims/{waiting['id']}"
    approved = await client.post(f"{path}/approve", headers=ADMIN)
    assert (approved.json()["status"], approved.json()["decided_by"]) == ("approved", "sekretariat@example.org")
    assert (await client.post(f"{path}/approve", headers=ADMIN)).status_code == 200
    assert len(await told(client, ProfileLinkRequested)) == 1
    refused = await client.post(f"{path}/reject", headers=ADMIN)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/wrong-status")


async def test_a_rejected_claim_is_told_to_nobody_and_stays_rejected(client: Client) -> None:
    dhi = await make(client, "DHI", "research")
    await claim(client, dhi, email="mette@gmail.com")
    (waiting,) = (await client.get("/v1/organisations/claims", headers=ADMIN)).json()["items"]
    await client.post(f"/v1/organisations/{dhi['id']}/claims/{waiting['id']}/reject", headers=ADMIN)
    assert (await claim(client, dhi, email="mette@gmail.com"))["status"] == "waiting"
    (still,) = (await client.get("/v1/organisations/claims", headers=ADMIN)).json()["items"]
    assert still["status"] == "rejected"
    assert await told(client, ProfileLinkRequested) == []


async def test_claims_are_the_secretariats_business(client: Client) -> None:
    dhi = await make(client, "DHI", "research")
    await claim(client, dhi)
    (waiting,) = (await client.get("/v1/organisations/claims", headers=ADMIN)).json()["items"]
    approve = f"/v1/organisations/{dhi['id']}/claims/{waiting['id']}/approve"
    assert (await client.get("/v1/organisations/claims")).status_code == 401
    assert (await client.get("/v1/organisations/claims", headers=member_of(dhi["id"]))).status_code == 403
    assert (await client.post(approve, headers=member_of(dhi["id"]))).status_code == 403
