"""An import of as many rows as are taken: whole or not at all, and nobody waits for it."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.matching.organisations.import_rows import MOST_ROWS
from shared.contracts.matching import OrganisationCreated, OrganisationUpdated
from tests.matching.builders import ADMIN, Row, member_of, told
from tests.matching.made_rows import as_csv, as_json_lines, made_rows
from tests.support.services import Client

PATH = "/v1/organisations/import"
MEDIA_TYPES = {"json lines": "application/x-ndjson", "csv": "text/csv"}
MIB = 1024 * 1024


async def send(client: Client, form: str, rows: list[Row], **headers: str) -> tuple[int, Row]:
    content = as_json_lines(rows) if form == "json lines" else as_csv(rows)
    sent = {**ADMIN, "Content-Type": MEDIA_TYPES[form], **headers}
    answer = await client.post(PATH, content=content, headers=sent, timeout=120)
    return answer.status_code, answer.json()


async def listed(client: Client, **query: str) -> list[Row]:
    items: list[Row] = (await client.get("/v1/organisations", params={"limit": 1, **query})).json()["items"]
    return items


@pytest.mark.slow
async def test_ten_thousand_rows_are_imported_while_others_are_answered(client: Client, dialect: str) -> None:
    form = "csv" if dialect == "sqlite" else "json lines"
    importing = asyncio.create_task(send(client, form, made_rows(MOST_ROWS)))
    answered = 0
    while not importing.done() and not await listed(client):
        answered += 1
    assert answered > 50
    assert await listed(client, q=f"virksomhed {MOST_ROWS - 1}"), "whole or not at all"
    status, report = await importing
    assert (status, report["counts"]["created"]) == (200, MOST_ROWS)
    assert len(await told(client, OrganisationCreated)) == MOST_ROWS
    unit = (await client.get(f"/v1/organisations/{report['rows'][9]['id']}")).json()
    assert unit["parent"] == report["rows"][8]["id"]


@pytest.mark.slow
async def test_one_wrong_row_among_ten_thousand_is_named_and_nothing_is_imported(client: Client) -> None:
    rows = made_rows(MOST_ROWS)
    rows[7_000]["kind"] = "bank"
    for form, line in (("json lines", 7_001), ("csv", 7_002)):
        status, problem = await send(client, form, rows)
        assert status == 422
        (error,) = problem["errors"]
        assert error["pointer"] == "/7000/kind"
        assert error["detail"].startswith(f"line {line}: ")
    assert await listed(client) == []


async def test_many_rows_sent_again_change_what_is_new_and_the_long_answer_comes_again(client: Client) -> None:
    rows = made_rows(1_000)
    await send(client, "json lines", rows)
    for row in rows[::2]:
        row["summary"] = {"da": "Vi er flyttet."}
    # With one token: another of the same person is another caller.
    key = {**ADMIN, "Idempotency-Key": "flytning"}
    status, report = await send(client, "json lines", rows, **key)
    assert (status, report["counts"]) == (200, {"created": 0, "updated": 500, "unchanged": 500, "kept": 0})
    assert await send(client, "json lines", rows, **key) == (200, report)
    assert len(await told(client, OrganisationUpdated)) == 500
    assert (await listed(client))[0]["summary"] == {"da": "Vi er flyttet."}


async def test_a_row_more_is_refused(client: Client) -> None:
    status, problem = await send(client, "json lines", made_rows(1) * (MOST_ROWS + 1))
    assert (status, problem["errors"][0]["detail"]) == (422, "more than 10000 rows; send them in several imports")


async def test_more_than_32_mib_are_refused_in_clear_words(client: Client) -> None:
    headers = {**ADMIN, "Content-Type": "text/csv", "Content-Length": str(32 * MIB + 1)}
    answer = await client.post(PATH, content=b"name", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (413, "At most 32 MiB can be sent here.")


async def test_what_a_stranger_sends_is_not_read(client: Client) -> None:
    read = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal read
        read += 1
        yield b"name"

    nobody = await client.post(PATH, content=pieces(), headers={"Idempotency-Key": "a" * 22})
    member = await client.post(PATH, content=pieces(), headers=member_of("01a20116-bf8e-7283-845c-623721683b21"))
    assert (nobody.status_code, member.status_code, read) == (401, 403, 0)


async def test_two_imports_of_the_same_at_once_make_it_once(client: Client) -> None:
    answers = await asyncio.gather(*(send(client, "json lines", made_rows(20)) for _ in range(3)))
    # The second waits for the first and finds it there, or is told to come again.
    assert {status for status, _ in answers} <= {200, 409}
    assert sum(report["counts"]["created"] for status, report in answers if status == 200) == 20
    assert len(await told(client, OrganisationCreated)) == 20


async def test_an_organisation_with_units_does_not_become_one(client: Client) -> None:
    rows = made_rows(12)
    await send(client, "json lines", rows)
    rows[8]["parent_key"] = "org-0"
    status, problem = await send(client, "json lines", rows[8:9])
    assert (status, problem["errors"][0]["pointer"]) == (422, "/0/parent_key")
