"""Signing in over HTTP: asked for, begun by the mailed link, ended."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from services.matching.service import matching_of
from services.matching.ways_in import sign_in
from shared.access.caller import Role
from shared.fields import Email, Input, utc_now
from shared.http.callers import KnownCaller
from shared.http.rendering import documented
from shared.http.sessions import Transaction
from shared.problems import LinkExpired, NotAuthenticated, NotFound

router = APIRouter(prefix="/v1/sign-in", tags=["sign-in"])

_OWN = documented(NotAuthenticated, NotFound, LinkExpired)


class SignInInput(Input):
    email: Email


class Accepted(BaseModel):
    detail: str = "If somebody may sign in by this address, a mail with a link is on its way. It can take a minute."


class Acting(BaseModel):
    """An organisation that the person acts for, and as what."""

    id: UUID
    roles: list[Role]


class SignedIn(BaseModel):
    """`token` is sent as `Authorization: Bearer <token>` until `expires_at`."""

    token: str
    expires_at: datetime
    organisations: list[Acting]


@router.post("", status_code=202)
async def request_sign_in(body: SignInInput, session: Transaction) -> Accepted:
    """Mails a link to who may sign in. The answer, and its time, are the same whoever has the address."""
    sign_in.ask(session, body.email)
    return Accepted()


@router.post("/redeem", responses=_OWN)
async def redeem_sign_in(caller: KnownCaller, session: Transaction, request: Request, response: Response) -> SignedIn:
    """Signs in by the key of the mailed link, once."""
    if caller.link is None:
        raise NotFound()
    begun = await sign_in.begin(session, caller.link)
    matching = matching_of(request)
    token, standing = await sign_in.next_token(session, begun, matching.appointed, matching.tokens)
    response.headers["Cache-Control"] = "no-store"
    return SignedIn(
        token=token,
        expires_at=utc_now() + sign_in.TOKEN_LASTS,
        organisations=[Acting(id=each, roles=sorted(roles)) for each, roles in standing.roles_in.items()],
    )


@router.post("/sign-out", status_code=204, responses=documented(NotAuthenticated, LinkExpired))
async def sign_out(caller: KnownCaller, session: Transaction) -> Response:
    """No token follows the one that is shown; it ends by itself within the hour."""
    await sign_in.end(session, caller.sign_in)
    return Response(status_code=204)
