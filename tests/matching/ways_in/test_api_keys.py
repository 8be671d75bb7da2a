"""Keys of other systems: shown once, kept as a hash, and over when somebody says so."""

from datetime import timedelta
from hashlib import sha256
from uuid import UUID

import pytest
from sqlalchemy import text

from services.matching.retelling import api_keys_again
from shared.access import api_keys
from shared.contracts.matching import ApiKeyIssued, ApiKeyRevoked
from shared.database import uuid7
from shared.fields import utc_now
from tests.matching.builders import ADMIN, Row, make, manager_of, member_of, organiser_of, told
from tests.support.services import Client

NAMED = str(uuid7())


def wanted(**changes: object) -> Row:
    until = (utc_now() + timedelta(days=30)).isoformat()
    return {"name": "Dør nord", "role": "door", "events": [NAMED], "expires_at": until, **changes}


def reader(**changes: object) -> Row:
    return wanted(name="CRM", role="integration", events=[], scopes=["read"], **changes)


def shown(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def issue(client: Client, organisation: UUID, body: Row | None = None) -> Row:
    answer = await client.post("/v1/api-keys", json=body or wanted(), headers=organiser_of(organisation))
    assert answer.status_code == 201, answer.text
    issued: Row = answer.json()
    return issued


async def everything_stored(client: Client) -> str:
    async with client.app.state.database.reading() as session:
        connection = await session.connection()
        tables = ("issued_keys", "api_keys", "outbox", "idempotency")
        found = [await connection.execute(text(f"SELECT * FROM {each}")) for each in tables]  # noqa: S608
        return repr([rows.all() for rows in found])


async def test_a_key_is_shown_once_and_kept_and_told_as_its_hash(client: Client) -> None:
    hub = uuid7()
    made = await client.post(
        "/v1/api-keys", json=wanted(), headers={**organiser_of(hub), "Idempotency-Key": uuid7().hex}
    )
    issued = made.json()
    assert (made.status_code, made.headers["Cache-Control"]) == (201, "no-store")
    assert issued["key"].startswith("videnbro_door_")
    assert len(issued["key"]) == len("videnbro_door_") + 43
    (message,) = await told(client, ApiKeyIssued)
    assert message["sha256"] == sha256(issued["key"].encode()).hexdigest()
    assert (message["organisation_id"], message["events"], message["role"]) == (str(hub), [NAMED], "door")
    assert issued["key"] not in await everything_stored(client)
    (listed,) = (await client.get("/v1/api-keys", headers=organiser_of(hub))).json()["items"]
    assert listed == {name: value for name, value in issued.items() if name != "key"}
    assert (await issue(client, hub))["key"] != issued["key"]


async def test_a_key_that_was_revoked_opens_nothing_and_is_told_so(client: Client) -> None:
    hub = uuid7()
    issued = await issue(client, hub, reader())
    path, organiser = f"/v1/api-keys/{issued['id']}", organiser_of(hub)
    assert (await client.get("/v1/introductions", headers=shown(issued["key"]))).status_code == 403
    for _ in range(2):
        assert (await client.delete(path, headers=organiser)).status_code == 204
    assert (await client.get("/v1/introductions", headers=shown(issued["key"]))).status_code == 401
    (message,) = await told(client, ApiKeyRevoked)
    assert (message["api_key_id"], message["version"]) == (issued["id"], 2)
    (listed,) = (await client.get("/v1/api-keys", headers=organiser)).json()["items"]
    assert listed["revoked_at"] is not None


async def test_nothing_told_late_or_again_revives_a_key(client: Client) -> None:
    hub = uuid7()
    issued = await issue(client, hub)
    await client.delete(f"/v1/api-keys/{issued['id']}", headers=organiser_of(hub))
    (message,) = await told(client, ApiKeyIssued)
    async with client.app.state.database.transaction() as session:
        await api_keys.keep(session, ApiKeyIssued.model_validate(message))
    assert (await client.get("/v1/introductions", headers=shown(issued["key"]))).status_code == 401


async def test_a_copy_restored_from_before_is_told_of_the_end_again(client: Client) -> None:
    hub = uuid7()
    ended, standing = await issue(client, hub), await issue(client, hub)
    await client.delete(f"/v1/api-keys/{ended['id']}", headers=organiser_of(hub))
    async with client.app.state.database.reading() as session:
        again = {str(key): message for key, message in await api_keys_again(session, None, 10)}
    assert isinstance(again[ended["id"]], ApiKeyRevoked)
    assert isinstance(again[standing["id"]], ApiKeyIssued)


async def test_a_key_that_is_over_says_so(client: Client) -> None:
    key = api_keys.new_key("integration")
    over = ApiKeyIssued(
        api_key_id=uuid7(),
        version=1,
        sha256=api_keys.fingerprint(key).hex(),
        role="integration",
        organisation_id=uuid7(),
        scopes=("read",),
        expires_at=utc_now() - timedelta(seconds=1),
    )
    async with client.app.state.database.transaction() as session:
        await api_keys.keep(session, over)
    answer = await client.get("/v1/organisations", headers=shown(key))
    assert (answer.status_code, answer.json()["detail"]) == (401, "This API key is over. Ask for a new one.")


async def test_a_key_nobody_issued_is_no_key(client: Client) -> None:
    answer = await client.get("/v1/organisations", headers=shown(api_keys.new_key("door")))
    assert answer.status_code == 401


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"events": []}, "/events"),
        ({"scopes": ["read"]}, "/scopes"),
        ({"role": "integration", "scopes": ["read"]}, "/events"),
        ({"role": "integration", "events": []}, "/scopes"),
        ({"scopes": ["everything"]}, "/scopes/0"),
        ({"role": "admin"}, "/role"),
    ],
)
async def test_what_no_key_can_be_is_refused_where_it_stands(client: Client, changes: Row, pointer: str) -> None:
    answer = await client.post("/v1/api-keys", json=wanted(**changes), headers=organiser_of(uuid7()))
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_key_lasts_a_year_at_most_and_its_end_is_a_time_everywhere(client: Client) -> None:
    now = utc_now()
    for until in (now - timedelta(days=1), now + timedelta(days=400), (now + timedelta(days=1)).replace(tzinfo=None)):
        body = wanted(expires_at=until.isoformat())
        answer = await client.post("/v1/api-keys", json=body, headers=organiser_of(uuid7()))
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/expires_at")


async def test_only_who_organises_for_it_makes_keys_of_an_organisation(client: Client) -> None:
    hub, other = uuid7(), uuid7()
    for stranger in (member_of(hub), manager_of(hub), shown((await issue(client, hub, reader()))["key"])):
        assert (await client.post("/v1/api-keys", json=wanted(), headers=stranger)).status_code == 403
    foreign = wanted(organisation=str(hub))
    assert (await client.post("/v1/api-keys", json=foreign, headers=organiser_of(other))).status_code == 403
    assert (await client.post("/v1/api-keys", json=wanted(), headers=ADMIN)).json()["errors"][0]["pointer"] == (
        "/organisation"
    )
    assert (await client.post("/v1/api-keys", json=foreign, headers=ADMIN)).json()["organisation_id"] == str(hub)


async def test_an_organisation_that_is_erased_leaves_no_key_behind(client: Client) -> None:
    hub = await make(client, "Vidensbroen")
    issued = await issue(client, UUID(hub["id"]))
    exported = await client.get(f"/v1/organisations/{hub['id']}/export", headers=ADMIN)
    assert exported.status_code == 202
    assert (await client.delete(f"/v1/organisations/{hub['id']}", headers=ADMIN)).status_code < 300
    assert (await client.get("/v1/organisations", headers=shown(issued["key"]))).status_code == 401
    (listed,) = (await client.get("/v1/api-keys", headers=ADMIN)).json()["items"]
    assert (listed["name"], listed["issued_by"]) == ("", "")


async def test_a_merged_organisation_takes_its_keys_along(client: Client) -> None:
    merged, into = await make(client, "Vidensbroen"), await make(client, "Videnbroen")
    issued = await issue(client, UUID(merged["id"]))
    await client.post(f"/v1/organisations/{merged['id']}/merge", json={"into": into["id"]}, headers=ADMIN)
    organiser = organiser_of(into["id"])
    assert [each["id"] for each in (await client.get("/v1/api-keys", headers=organiser)).json()["items"]] == [
        issued["id"]
    ]
    assert (await client.get("/v1/organisations", headers=shown(issued["key"]))).status_code == 200
    assert (await client.delete(f"/v1/api-keys/{issued['id']}", headers=organiser)).status_code == 204
