"""What the secretariat settles of organisations that are called alike."""

from shared.contracts.matching import ProfileLinkRequested
from tests.matching.builders import ADMIN, Row, hear, make, newcomer, sign_up, told
from tests.support.services import Client


async def the_case(client: Client) -> Row:
    (case,) = (await client.get("/v1/cases?kind=twin", headers=ADMIN)).json()["items"]
    found: Row = case
    return found


async def settle(client: Client, case: Row, settled_as: str) -> int:
    answer = await client.post(f"/v1/cases/{case['id']}/settle", json={"as": settled_as}, headers=ADMIN)
    return answer.status_code


async def test_twins_that_are_one_are_merged(client: Client) -> None:
    known, company = await make(client, "Gærhuset"), newcomer("Gærhuset A/S")
    await hear(client, sign_up(company))
    case = await the_case(client)
    assert (case["organisation"], case["other"]) == (str(company.id), known["id"])
    assert [step["action"] for step in case["next_steps"]] == ["settle_same", "settle_another"]
    assert await settle(client, case, "done") == 409
    assert [await settle(client, case, "same") for _ in range(2)] == [200, 200]
    assert await settle(client, case, "another") == 409
    merged = await client.get(f"/v1/organisations/{company.id}", headers=ADMIN)
    assert merged.json()["id"] == known["id"]
    assert (await client.get("/v1/cases", headers=ADMIN)).json()["items"] == []
    assert len((await client.get("/v1/cases?settled=true", headers=ADMIN)).json()["items"]) == 1


async def test_the_maker_of_one_that_is_another_is_mailed_its_link(client: Client) -> None:
    await make(client, "Gærhuset")
    await hear(client, sign_up(newcomer("Gærhuset A/S")))
    assert await told(client, ProfileLinkRequested) == []
    assert await settle(client, await the_case(client), "another") == 200
    (link,) = await told(client, ProfileLinkRequested)
    assert link["recipient"]["email"] == "mette@gaerhuset.example.org"
