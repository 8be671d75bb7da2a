"""Signing in by an identity provider: the browser goes there and comes back with a code (PKCE, state, nonce)."""

import base64
import hashlib
import hmac
import secrets
from typing import Annotated

import orjson
from fastapi import Path, Query, Request, Response
from starlette.responses import RedirectResponse

from services.matching.pages import pages
from services.matching.pages.sign_in import OWN, PAGE, keep
from services.matching.service import matching_of
from services.matching.ways_in import sign_in
from shared.access.openid import Issuer
from shared.http.sessions import Transaction
from shared.pages import moved
from shared.pages.visitors import is_https
from shared.problems import NotAuthenticated, NotFound

router = pages.router()
BACK = f"{PAGE}/back"
COOKIE, LASTS = "videnbro_on_its_way", 600
Word = Annotated[str, Query(max_length=2000)]


@router.get(PAGE + "/with/{issuer}")
async def go_to_issuer(issuer: Annotated[str, Path(max_length=40)], request: Request) -> Response:
    """To the identity provider; what must come back with the browser stays in a cookie of ours."""
    asked = {name: secrets.token_urlsafe(32) for name in ("state", "nonce", "verifier")}
    challenge = hashlib.sha256(asked["verifier"].encode()).digest()
    href = await _issuer(request, issuer).asking(
        redirect=_back(request),
        state=asked["state"],
        nonce=asked["nonce"],
        challenge=base64.urlsafe_b64encode(challenge).decode().rstrip("="),
    )
    response = RedirectResponse(href, 303, {"Cache-Control": "no-store"})
    kept = base64.urlsafe_b64encode(orjson.dumps({**asked, "issuer": issuer})).decode()
    # Lax, not strict: the browser comes back from another site.
    response.set_cookie(COOKIE, kept, max_age=LASTS, path=PAGE, httponly=True, samesite="lax", secure=is_https(request))
    return response


@router.get(BACK)
async def come_back(
    request: Request, session: Transaction, state: Word = "", code: Word = "", iss: Word | None = None
) -> Response:
    """Begins the sign-in that this browser went for; any other, and a refusal, is none."""
    asked = _asked(request)
    if not code or not hmac.compare_digest(state.encode(), asked["state"].encode()):
        raise NotAuthenticated("This answer belongs to another sign-in. Begin again.")
    issuer = _issuer(request, asked["issuer"])
    if iss not in (None, issuer.trusted.issuer):
        raise NotAuthenticated("Another identity provider answered than was asked.")
    secret = matching_of(request).settings.issuer_secrets.get(issuer.trusted.key)
    caller = await issuer.answered(
        code=code,
        redirect=_back(request),
        nonce=asked["nonce"],
        verifier=asked["verifier"],
        secret=secret.get_secret_value() if secret else None,
    )
    response = moved(OWN)
    await keep(request, response, session, sign_in.begin_by_word(session, caller))
    response.delete_cookie(COOKIE, path=PAGE)
    return response


def _asked(request: Request) -> dict[str, str]:
    """What was kept when the browser left. Raises NotAuthenticated for a browser that did not."""
    try:
        kept = orjson.loads(base64.urlsafe_b64decode(request.cookies.get(COOKIE, "")))
        return {name: str(kept[name]) for name in ("state", "nonce", "verifier", "issuer")}
    except (ValueError, KeyError, TypeError) as odd:
        raise NotAuthenticated("This browser did not begin to sign in, or more than ten minutes ago.") from odd


def _issuer(request: Request, key: str) -> Issuer:
    issuer = matching_of(request).issuers.by_key(key)
    if issuer is None:
        raise NotFound()
    return issuer


def _back(request: Request) -> str:
    return matching_of(request).settings.public_url("matching", BACK)
