"""Importing organisations from JSON lines and CSV."""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.contracts.matching import OrganisationCreated, OrganisationUpdated
from tests.matching.builders import ADMIN, Row, key_of, member_of, told
from tests.support.callers import NOBODY
from tests.support.services import Client

FOLDER = Path(__file__).parents[3] / "deploy" / "sample"
SAMPLE = "".join((FOLDER / name).read_text() for name in ("holders.jsonl", "organisations.jsonl"))
JSON_LINES, CSV = "application/x-ndjson", "text/csv; charset=utf-8"


async def send(client: Client, content: str, kind: str = JSON_LINES, status: int = 200, **query: Any) -> Row:
    headers = {**ADMIN, "Content-Type": kind}
    answer = await client.post("/v1/organisations/import", content=content, params=query, headers=headers)
    assert answer.status_code == status, answer.text
    body: Row = answer.json()
    return body


def lines(*rows: Row) -> str:
    return "\n".join(json.dumps(row) for row in rows)


async def listed(client: Client, **query: Any) -> list[Row]:
    items: list[Row] = (await client.get("/v1/organisations", params={"limit": 100, **query})).json()["items"]
    return items


async def test_the_sample_is_imported_and_imported_again_changes_nothing(client: Client) -> None:
    report = await send(client, SAMPLE)
    assert report["counts"] == {"created": 104, "updated": 0, "unchanged": 0, "kept": 0}
    again = await send(client, SAMPLE)
    assert again["counts"] == {"created": 0, "updated": 0, "unchanged": 104, "kept": 0}
    assert [row["id"] for row in again["rows"]] == [row["id"] for row in report["rows"]]
    assert len(await told(client, OrganisationCreated)) == 104
    assert await told(client, OrganisationUpdated) == []

    university = next(row["id"] for row in report["rows"] if row["key"] == "dtu")
    assert len(await listed(client, parent=university)) == 4


async def test_a_dry_run_says_what_would_be_and_writes_nothing(client: Client) -> None:
    report = await send(client, SAMPLE, dry_run=True)
    assert (report["dry_run"], report["counts"]["created"]) == (True, 104)
    assert await listed(client) == []


async def test_the_same_key_updates_and_keeps_the_ids_of_offers_that_stayed(client: Client) -> None:
    row = {"key": "dhi", "name": "DHI", "kind": "research", "summary": {"da": "Vand.", "en": "Water."}}
    offers = [{"category": "knowledge", "text": {"da": text}} for text in ("Bølger", "Strøm")]
    first = await send(client, lines({**row, "offers": offers}))
    path = f"/v1/organisations/{first['rows'][0]['id']}"
    before = (await client.get(path)).json()

    changed = {**row, "summary": {"da": "Vand og miljø."}, "offers": [offers[1], {**offers[0], "category": "project"}]}
    assert (await send(client, lines(changed)))["counts"]["updated"] == 1
    after = (await client.get(path)).json()
    assert after["summary"] == {"da": "Vand og miljø."}
    assert after["offers"][0]["id"] == before["offers"][1]["id"]
    assert after["offers"][1]["id"] != before["offers"][0]["id"]
    assert after["version"] == 2


async def test_a_profile_that_its_own_people_took_over_is_left_as_it_is(client: Client) -> None:
    row = {"key": "dhi", "name": "DHI", "kind": "research"}
    made = (await send(client, lines(row)))["rows"][0]["id"]
    await client.patch(f"/v1/organisations/{made}", json={"summary": {"da": "Vores egne ord."}}, params=key_of(made))
    report = await send(client, lines({**row, "summary": {"da": "Sekretariatets ord."}}))
    assert report["counts"]["kept"] == 1
    assert (await client.get(f"/v1/organisations/{made}")).json()["summary"] == {"da": "Vores egne ord."}


async def test_parents_are_found_in_any_order_and_in_earlier_imports(client: Client) -> None:
    unit = {"key": "aqua", "parent_key": "dtu", "name": "DTU Aqua", "kind": "research"}
    await send(client, lines(unit, {"key": "dtu", "name": "DTU", "kind": "research"}))
    await send(client, lines({**unit, "key": "food", "name": "DTU Food"}))
    (university,) = await listed(client, q="dtu", sort="name", limit=1)
    assert {each["name"] for each in await listed(client, parent=university["id"])} == {"DTU Aqua", "DTU Food"}


async def test_every_wrong_row_is_named_and_nothing_is_imported(client: Client) -> None:
    report = await send(
        client,
        "\n".join(
            [
                lines({"key": "a", "name": "A", "kind": "startup"}),
                "{not json",
                lines(
                    {"key": "b", "name": "B", "kind": "bank"},
                    {"key": "c", "name": "C", "kind": "startup", "locations": [{"city": ""}]},
                ),
            ]
        ),
        status=422,
    )
    assert [error["pointer"] for error in report["errors"]] == ["/1", "/2/kind", "/3/locations/0/city"]
    assert [error["detail"].split(":")[0] for error in report["errors"]] == ["line 2", "line 3", "line 4"]
    assert await listed(client) == []


@pytest.mark.parametrize(
    ("rows", "pointer"),
    [
        ([{"key": "a"}, {"key": "a"}], "/1/key"),
        ([{"key": "a", "parent_key": "nobody"}], "/0/parent_key"),
        ([{"key": "a", "parent_key": "a"}], "/0/parent_key"),
        ([{"key": "a"}, {"key": "b", "parent_key": "a"}, {"parent_key": "b"}], "/2/parent_key"),
        ([{"cvr": "12345678"}], "/0/cvr"),
        ([{"parent": "01a20116-bf8e-7283-845c-623721683b21"}], "/0/parent"),
    ],
)
async def test_rows_that_do_not_fit_together_are_named(client: Client, rows: list[Row], pointer: str) -> None:
    report = await send(client, lines(*({"name": "A", "kind": "startup", **row} for row in rows)), status=422)
    assert [error["pointer"] for error in report["errors"]] == [pointer]
    assert await listed(client) == []


async def test_a_spreadsheet_is_imported_as_csv(client: Client) -> None:
    text = (
        "\ufeffkey;name;kind;summary_da;sectors;cities;offers_da;needs_en;contact_name;contact_email;published\n"
        'dhi;DHI;research;"Vand; hav og ""miljø""";biotech|pharma;Hørsholm|Aarhus;knowledge: Modeller af havvand'
        "|facility: Bølgebassin;technology: Better sensors;Mette Holm;mette@example.org;ja\n"
    )
    made = (await send(client, text, CSV))["rows"][0]
    assert made["line"] == 2
    profile = (await client.get(f"/v1/organisations/{made['id']}", headers=member_of(made["id"]))).json()
    assert profile["summary"] == {"da": 'Vand; hav og "miljø"'}
    assert profile["sectors"] == ["biotech", "pharma"]
    assert profile["locations"][0] == {"city": "Hørsholm", "country": "DK", "main": True}
    assert [(each["category"], each["text"]) for each in profile["offers"]] == [
        ("knowledge", {"da": "Modeller af havvand"}),
        ("facility", {"da": "Bølgebassin"}),
    ]
    assert profile["needs"][0]["visibility"] == "members"
    assert profile["contacts"][0]["email"] == "mette@example.org"


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        ("name,shoe_size\nDHI,44\n", CSV, 422),
        ("", CSV, 422),
        ("name,kind\nDHI,research,too,many\n", CSV, 422),
        ("[]", JSON_LINES, 422),
        ('{"name": "DHI", "kind": "research"}', "application/json", 415),
        ("[" * 100_000, JSON_LINES, 422),
    ],
)
async def test_what_is_no_import_is_refused_in_clear_words(
    client: Client, content: str, kind: str, status: int
) -> None:
    await send(client, content, kind, status)


async def send_bytes(client: Client, content: bytes, kind: str) -> tuple[int, Row]:
    headers = {**ADMIN, "Content-Type": kind}
    answer = await client.post("/v1/organisations/import", content=content, headers=headers)
    return answer.status_code, answer.json()


async def test_what_is_not_utf_8_is_refused_with_its_line_and_what_to_do(client: Client) -> None:
    status, problem = await send_bytes(client, "name;kind\nØrsted;company".encode("windows-1252"), CSV)
    detail = problem["errors"][0]["detail"]
    assert (status, detail.partition(";")[0]) == (422, "line 2: not UTF-8, at byte 10")
    assert "CSV UTF-8" in detail


async def test_the_charset_that_is_said_is_read(client: Client) -> None:
    content = "name;kind;summary_da\r\nØrsted;research;Vi laver strøm – nu\r\n".encode("windows-1252")
    assert (await send_bytes(client, content, "text/csv; charset=windows-1252"))[0] == 200
    (made,) = await listed(client)
    assert (made["name"], made["summary"]) == ("Ørsted", {"da": "Vi laver strøm – nu"})
    assert (await send_bytes(client, content, "text/csv; charset=utf-16"))[0] == 415


async def test_what_a_spreadsheet_left_empty_is_passed_over(client: Client) -> None:
    text = "name;kind;published;;\nDHI;research;SAND;;\n;;;;\n\nAU;research\n"
    report = await send(client, text, CSV)
    assert [row["line"] for row in report["rows"]] == [2, 5]


async def test_a_row_is_named_by_the_line_it_begins_on(client: Client) -> None:
    text = 'name,kind,summary_da\nDHI,research,"Vand\nog hav"\nAU,bank,\n'
    report = await send(client, text, CSV, status=422)
    assert [error["detail"].partition(":")[0] for error in report["errors"]] == ["line 4"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name,kind,summary_da\nDHI,research,"Vand\nAU,research,\nDTU,research,\n', "line 2: unexpected end of data"),
        ('name,kind\n"DHI" A/S,research\n', "line 2: "),
        ("name,kind,name\nDHI,research,AU\n", "line 1: columns that are there twice: ['name']"),
        ("name;kind;\nDHI;research;Vand\n", "line 2: a cell stands under no heading"),
        ("name,kind\nDHI,research,Vand\n", "line 2: a cell stands under no heading"),
        ("name;kind;cvr\nDHI;research;3,61E+07\n", "line 2: cvr: a spreadsheet put `3,61E+07`"),
        ("name;kind;website\nDHI;research;#REFERENCE!\n", "line 2: website: a spreadsheet put `#REFERENCE!`"),
        ("name;kind;contact_phone\nDHI;research;########\n", "line 2: contact_phone: a spreadsheet put `########`"),
        ("name;kind;contact_name\nDHI;research;Mette Holm\n", "line 2: Field required"),
    ],
)
async def test_whatever_would_be_lost_is_refused_with_its_line(client: Client, text: str, said: str) -> None:
    report = await send(client, text, CSV, status=422)
    assert [error["detail"] for error in report["errors"]] == [report["errors"][0]["detail"]]
    assert report["errors"][0]["detail"].startswith(said)
    assert await listed(client) == []


async def test_a_field_that_a_json_line_has_twice_is_refused(client: Client) -> None:
    report = await send(client, '{"name": "DHI", "kind": "research", "name": "AU"}', status=422)
    assert report["errors"] == [{"pointer": "/0", "detail": "line 1: name is there twice"}]


async def test_only_the_secretariat_imports(client: Client) -> None:
    for headers, status in ((NOBODY, 401), (member_of("01a20116-bf8e-7283-845c-623721683b21"), 403)):
        answer = await client.post(
            "/v1/organisations/import", content="", headers={**headers, "Content-Type": JSON_LINES}
        )
        assert answer.status_code == status
