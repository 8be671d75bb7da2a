"""What everybody may read: caches may keep it for a moment, and ask whether it changed (RFC 9110, 13.1.2)."""

import hashlib
from typing import Any

from fastapi import Request, Response
from pydantic import BaseModel

KEPT_FOR = 5
PRIVATE = "private, no-cache"
UNCHANGED: dict[int | str, dict[str, Any]] = {304: {"description": "Not changed since the `If-None-Match` sent"}}


def public_answer(
    request: Request, body: bytes | BaseModel, media_type: str = "application/json", **headers: str
) -> Response:
    """The body with its ETag, or 304 when the reader has it already."""
    content = body.model_dump_json().encode() if isinstance(body, BaseModel) else body
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    told = {
        "ETag": etag,
        "Cache-Control": f"public, max-age={KEPT_FOR}",
        "Vary": "Authorization",
        **headers,
    }
    if etag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=told)
    return Response(content, headers=told, media_type=media_type)
