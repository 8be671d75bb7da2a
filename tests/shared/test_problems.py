"""Every refusal is a problem that says what is wrong and where; none is a fault of ours."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.services import Client

pytestmark = pytest.mark.parametrize("dialect", ["sqlite"])
LETTER = {"to": "mette@example.org", "subject": {"da": "Hej"}}


async def post(client: Client, content: bytes | AsyncIterator[bytes], **headers: str) -> tuple[int, dict[str, Any]]:
    answer = await client.post("/v1/letters", content=content, headers={"Content-Type": "application/json", **headers})
    assert answer.headers["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"hello", b'{"to": }', b"\xff\xfe", b"[" * 100_000, b"1" * 5000, b'{"a": "\x00"}']
)
async def test_a_body_that_is_not_json_is_400_or_422(client: Client, body: bytes) -> None:
    status, problem = await post(client, body)
    assert status in (400, 422)
    assert problem["type"] in ("/problems/malformed-body", "/problems/invalid")


async def test_a_body_that_says_it_is_too_large_is_413_before_it_comes(client: Client) -> None:
    status, problem = await post(client, b"{}", **{"Content-Length": str(2 * 1024 * 1024)})
    assert (status, problem["type"]) == (413, "/problems/body-too-large")


async def test_a_body_that_comes_in_pieces_is_413_when_it_has_become_too_large(client: Client) -> None:
    sent = 0

    async def pieces() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * 64 * 1024

    status, problem = await post(client, pieces())
    assert (status, problem["type"]) == (413, "/problems/body-too-large")
    assert "Content-Length" not in (await client.get("/livez")).request.headers


async def test_a_body_just_small_enough_is_read(client: Client) -> None:
    status, problem = await post(client, b" " * (1024 * 1024 - 2) + b"{}")
    assert (status, problem["type"]) == (422, "/problems/invalid")


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"to": "nobody"}, "/to"),
        ({"to": None}, "/to"),
        ({"to": "a@b\u0000.dk"}, "/to"),
        ({"subject": {}}, "/subject"),
        ({"subject": {"da": ""}}, "/subject/da"),
        ({"subject": {"da": "two\nlines"}}, "/subject/da"),
        ({"subject": {"da": "a\u0000b"}}, "/subject/da"),
        ({"subject": {"da": "half of a pair \ud800"}}, "/subject/da"),
        ({"subject": {"da": "x" * 201}}, "/subject/da"),
        ({"copies": ["mette@example.org", "nobody"]}, "/copies/1"),
        ({"website": "javascript:alert(1)"}, "/website"),
        ({"website": "https://example.org/\nHost: other"}, "/website"),
        ({"website": "https://["}, "/website"),
        ({"sujet": "misspelt"}, "/sujet"),
        ({"a/b~c": 1}, "/a~1b~0c"),
        ({"subject": {"fr": "Salut"}}, "/subject/fr"),
    ],
    ids=str,
)
async def test_a_wrong_field_is_422_and_named_by_its_pointer(
    client: Client, change: dict[str, Any], pointer: str
) -> None:
    status, problem = await post(client, json.dumps(LETTER | change).encode())
    assert (status, problem["type"], problem["status"]) == (422, "/problems/invalid", 422)
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert all(error["detail"] for error in problem["errors"])


async def test_a_field_whose_name_no_text_can_hold_is_422_too(client: Client) -> None:
    status, problem = await post(client, b'{"\\ud800": 1}')
    assert (status, problem["type"]) == (422, "/problems/invalid")


async def test_the_refused_value_is_not_sent_back(client: Client) -> None:
    answer = await client.post("/v1/letters", json=LETTER | {"subject": {"da": "my secret\n"}, "to": "secret"})
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("path", "pointer"),
    [("/v1/things?limit=0", "?limit"), ("/v1/things?limit=x", "?limit"), ("/v1/things/0", "{thing}")],
)
async def test_a_wrong_parameter_is_named(client: Client, path: str, pointer: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/things/%00", "/v1/th\u200bings", "/%0d%0aSet-Cookie:x=1"])
async def test_an_address_that_is_not_ours_is_404(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/not-found")


async def test_a_nul_in_a_query_is_422(client: Client) -> None:
    answer = await client.get("/v1/things?cursor=%00")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "?")


async def test_a_method_that_is_not_taken_is_405_and_says_which_are(client: Client) -> None:
    answer = await client.delete("/v1/things")
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "GET" in answer.headers["Allow"] or "POST" in answer.headers["Allow"]


async def test_a_fault_of_ours_is_500_and_keeps_what_it_is_to_itself(client: Client) -> None:
    answer = await client.get("/v1/faults", headers={"X-Request-ID": "find-me"})
    assert answer.status_code == 500
    assert answer.json() == {
        "type": "/problems/internal",
        "title": "Something went wrong on our side",
        "status": 500,
        "detail": "Something went wrong on our side",
    }
    assert answer.headers["X-Request-ID"] == "find-me"


async def test_every_operation_documents_its_problems(client: Client) -> None:
    document = (await client.get("/openapi/matching.json")).json()
    assert document["components"]["schemas"]["Problem"]["required"] == ["type", "title", "status", "detail"]
    answers = document["paths"]["/v1/things"]["post"]["responses"]
    assert {"201", "400", "409", "413", "422"} <= set(answers)
    assert "name-taken" in answers["409"]["description"]
    assert document["paths"]["/v1/things"]["post"]["operationId"] == "make_thing"


async def test_what_may_stand_in_a_field_is_in_the_document(client: Client) -> None:
    schemas = (await client.get("/openapi/matching.json")).json()["components"]["schemas"]
    name = schemas["Thing"]["properties"]["name"]
    assert (name["minLength"], name["maxLength"]) == (1, 200)
    assert schemas["Thing"]["additionalProperties"] is False
    assert schemas["Letter"]["properties"]["to"]["format"] == "email"


async def test_what_can_be_read_answers_head_with_the_headers_alone(client: Client) -> None:
    read, head = await client.get("/v1/things"), await client.head("/v1/things")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == read.headers["content-length"]
    missing = await client.head("/v1/nothing")
    assert (missing.status_code, missing.content) == (404, b"")


async def test_a_refused_method_is_told_all_that_the_address_takes(client: Client) -> None:
    refused = await client.delete("/v1/things")
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD, POST")
    written = await client.get("/v1/letters")
    assert (written.status_code, written.headers["Allow"]) == (405, "POST")
    assert (await client.head("/v1/letters")).status_code == 405
