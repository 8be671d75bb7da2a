"""The OpenAPI document of a service, where FastAPI's own falls short of what the service does."""

from typing import Any

from fastapi import FastAPI

from shared.http.callers import ANYBODY
from shared.problems import ProblemBody


def complete_document(app: FastAPI) -> None:
    """Adds the one Problem schema that every answer refers to, and says where nobody need say who they are."""
    plain = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            _add_problem(document)
            _allow_anybody(document)
        return plain()

    app.openapi = completed  # type: ignore[method-assign]  # FastAPI's documented way to extend the document


def _add_problem(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    body = ProblemBody.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(body.pop("$defs", {}))
    schemas["Problem"] = body


def _allow_anybody(document: dict[str, Any]) -> None:
    """An operation open to anybody lists the empty requirement first (OpenAPI 3.1, Security Requirement Object)."""
    document["components"].get("securitySchemes", {}).pop(ANYBODY, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            if {ANYBODY: []} in operation.get("security", ()):
                operation["security"] = [{}, {"bearer": []}, {"link": []}]
