"""Problems as answers: RFC 9457, also for what the framework refuses."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from shared.http.methods import taken_at
from shared.problems import (
    BodyTooLarge,
    FieldError,
    Invalid,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    Problem,
)

MEDIA_TYPE = "application/problem+json"


def answer_of(problem: Problem) -> Response:
    return Response(_written(problem.body()), problem.status, problem.headers, media_type=MEDIA_TYPE)


def _written(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body, default=str)
    except TypeError:
        # Half of a surrogate pair, quoted from the caller's own JSON: UTF-8 cannot write it, an escape can.
        return json.dumps(body, default=str).encode()


def documented(*problems: type[Problem]) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route for the problems it can answer with; several of one status share an entry."""
    by_status: dict[int, list[type[Problem]]] = {}
    for problem in problems:
        by_status.setdefault(problem.status, []).append(problem)
    return {
        status: {
            "description": " or ".join(f"`{problem.slug}`: {problem.title}" for problem in kinds),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, kinds in by_status.items()
    }


def _pointer(location: Sequence[str | int]) -> str:
    # A key of an object is wrong where it stands.
    place, *rest = (part for part in location if part != "[key]")
    match place:
        case "body":
            return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in rest)
        case "query":
            return f"?{rest[0]}"
        case "path":
            return f"{{{rest[0]}}}"
        case _:
            return f"{place}:{rest[0] if rest else ''}"


def from_validation(error: RequestValidationError) -> Problem:
    """What FastAPI found wrong with a request, as our problem; values are not echoed, they may be secrets."""
    found = error.errors()
    if any(item["type"] == "json_invalid" for item in found):
        return MalformedBody(str(found[0].get("ctx", {}).get("error", "The body could not be read as JSON")))
    if any(isinstance(item["input"], bytes) for item in found):
        return MalformedBody("Send JSON, with the header Content-Type: application/json.")
    return Invalid(
        *(
            FieldError(pointer=_pointer(item["loc"]), detail=item["msg"].removeprefix("Value error, "))
            for item in found[:100]
        )
    )


_BY_STATUS: dict[int, type[Problem]] = {
    problem.status: problem for problem in (MalformedBody, NotFound, MethodNotAllowed, BodyTooLarge)
}


async def render_problem(_: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)
    return answer_of(problem)


async def render_validation(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer_of(from_validation(error))


def from_http(error: HTTPException) -> Problem:
    """What the framework itself refuses, as our problem: no such address, method or media type."""
    kind = _BY_STATUS.get(error.status_code)
    if kind is None:
        kind = type(
            "FrameworkProblem",
            (Problem,),
            {"status": error.status_code, "slug": "http", "title": str(error.detail)},
        )
    problem = kind(error.detail if kind is BodyTooLarge else None)
    problem.headers.update(error.headers or {})
    return problem


async def render_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    problem = from_http(error)
    if error.status_code == 405:
        problem.headers["Allow"] = taken_at(request)
    return answer_of(problem)
