"""Whatever is sent, the answer is a clear refusal and never a fault."""

import pytest

from tests.matching.builders import ADMIN, key_of, make, member_of, say
from tests.support.services import Client


@pytest.fixture
def dialect() -> str:
    """PostgreSQL refuses more than SQLite does."""
    return "postgresql"


async def test_odd_queries_are_refused_by_name(client: Client) -> None:
    dhi = await make(client, "DHI", "research")
    suggestions = f"/v1/organisations/{dhi['id']}/suggestions"
    for path, name in (
        ("/v1/organisations?q=%01", "?q"),
        ("/v1/organisations?updated_since=0001-01-01T00:00:00%2B14:00", "?updated_since"),
        ("/v1/organisations?updated_since=9999-12-31T23:59:59-14:00", "?updated_since"),
        ("/v1/organisations?cursor=bm9uc2Vuc2U", "?cursor"),
        (f"{suggestions}?event=%01", "?event"),
        (f"{suggestions}?limit=101", "?limit"),
        (f"{suggestions}?kind=bank", "?kind"),
    ):
        answer = await client.get(path, headers=ADMIN)
        assert answer.status_code == 422, path
        assert [error["pointer"] for error in answer.json()["errors"]] == [name]


async def test_a_cursor_of_another_list_is_refused(client: Client) -> None:
    for name in ("A", "B"):
        await make(client, name)
    organisations = (await client.get("/v1/organisations?limit=1")).json()["next_cursor"]
    for path in ("/v1/introductions", "/v1/organisations/claims"):
        assert (await client.get(path, params={"cursor": organisations}, headers=ADMIN)).status_code == 422
    mine, *others = [(await make(client, f"C{at}"))["id"] for at in range(3)]
    for other in others:
        await say(client, mine, other, "yes")
    introductions = (await client.get("/v1/introductions?limit=1", headers=ADMIN)).json()["next_cursor"]
    assert (await client.get("/v1/organisations", params={"cursor": introductions})).status_code == 422


@pytest.mark.parametrize("day", ["9999-12-31", "0001-01-01", "2022-02-30", "tomorrow"])
async def test_days_that_cannot_be_are_refused(client: Client, day: str) -> None:
    offers = [{"category": "technology", "text": {"da": "Damp"}, "valid_until": day}]
    answer = await client.post(
        "/v1/organisations", json={"name": "A", "kind": "startup", "offers": offers}, headers=ADMIN
    )
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/offers/0/valid_until"]


@pytest.mark.parametrize("body", ["[" * 50_000, "null", "[]", '"x"', "{", '{"name": NaN}', '{"name": "\\ud800"}'])
async def test_bodies_of_any_shape_are_refused(client: Client, body: str) -> None:
    headers = {**ADMIN, "Content-Type": "application/json"}
    for path in ("/v1/organisations", "/v1/search"):
        assert (await client.post(path, content=body, headers=headers)).status_code in (400, 422)


async def test_names_in_every_script_are_kept_as_they_are(client: Client) -> None:
    for name in ("Ærø Fisk & Søn", "株式会社バイオ", "شركة الحياة", "Straße <b>", "a" * 200):
        made = await make(client, name, summary={"da": f"Vi er {name}."})
        assert (await client.get(f"/v1/organisations/{made['id']}")).json()["name"] == name
        assert (await client.get("/v1/organisations", params={"q": name.upper()[:50]})).json()["items"]
        page = await client.get(
            f"/p/matching/organisations/{made['id']}", params=key_of(made["id"]), follow_redirects=True
        )
        assert page.status_code == 200
        assert "<b>" not in page.text


async def test_a_hundred_offers_are_taken_and_one_more_is_not(client: Client) -> None:
    made = await make(client, "DHI", "research")
    path, headers = f"/v1/organisations/{made['id']}", {**member_of(made["id"]), "If-Match": "*"}
    offers = [{"category": "technology", "text": {"da": f"Damp {at}"}} for at in range(101)]
    assert (await client.patch(path, json={"offers": offers[:100]}, headers=headers)).status_code == 200
    answer = await client.patch(path, json={"offers": offers}, headers=headers)
    assert answer.json()["errors"][0]["pointer"] == "/offers"


async def test_a_body_over_the_limit_is_refused(client: Client) -> None:
    answer = await client.post(
        "/v1/search", content=b"x" * (1024 * 1024 + 1), headers={**ADMIN, "Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")
    assert answer.json()["detail"] == "At most 1 MiB can be sent here."
