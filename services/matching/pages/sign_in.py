"""Signing in on pages: by a mailed link whose page has a button, and a cookie that is renewed while it is used."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from pydantic import TypeAdapter, ValidationError
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.sight import find_now
from services.matching.pages import pages
from services.matching.service import matching_of
from services.matching.tables import SignIn
from services.matching.ways_in import sign_in
from services.matching.ways_in.sign_in import TOKEN_LASTS
from shared.access.caller import Caller
from shared.access.links import Purpose
from shared.fields import Email
from shared.http.sessions import Reading, Transaction
from shared.pages import AnyVisitor, KeyedForm, KeyHolder, OpenForm, SignedIn, Visitor, keep_signed_in, moved
from shared.pages.visitors import KEY_COOKIE, RENEWAL, SIGN_IN_COOKIE, SIGN_IN_PATH
from shared.problems import LinkExpired, NotAuthenticated, NotFound
from shared.settings import ServiceName

router = pages.router()
PAGE, OWN = "/p/matching/sign-in", "/p/matching/me"
_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


@router.get(PAGE)
async def show_sign_in(visitor: AnyVisitor, request: Request) -> Response:
    """Where one asks; by the mailed link the button that signs in. Looking at it does nothing: scanners do, too."""
    return _page(request, "confirm" if _by_mail(visitor) else "ask")


def _by_mail(visitor: Visitor) -> bool:
    return visitor.caller.link is not None and visitor.caller.link.purpose is Purpose.SIGN_IN


def _page(request: Request, part: str, status: int = 200, **facts: Any) -> Response:
    others = [each.trusted for each in matching_of(request).issuers.for_pages]
    facts = {"email": None, "wrong": False, "others": others, **facts}
    return pages.show(request, "sign_in.html", status=status, private=True, page=PAGE, part=part, **facts)


@router.post(PAGE)
async def request_sign_in_by_page(form: OpenForm, session: Transaction, request: Request) -> Response:
    """The same answer whoever has the address."""
    asked = form.one("email") or ""
    try:
        email = _EMAIL.validate_python(asked)
    except ValidationError:
        return _page(request, "ask", 422, email=asked, wrong=True)
    sign_in.ask(session, email)
    return _page(request, "sent", email=email)


@router.post(PAGE + "/redeem")
async def redeem_by_page(visitor: KeyHolder, form: KeyedForm, session: Transaction, request: Request) -> Response:
    if visitor.caller.link is None:
        raise NotFound()
    try:
        begun = await sign_in.begin(session, visitor.caller.link)
    except LinkExpired:
        response = _page(request, "over", LinkExpired.status)
    else:
        response = moved(OWN)
        await keep(request, response, session, begun)
    response.delete_cookie(KEY_COOKIE, path=PAGE)
    return response


async def keep(request: Request, response: Response, session: AsyncSession, begun: SignIn) -> None:
    """The first token, or the next one, in the cookie. Raises NotAuthenticated for who may not sign in."""
    matching = matching_of(request)
    token, _ = await sign_in.next_token(session, begun, matching.appointed, matching.tokens)
    keep_signed_in(request, response, token, TOKEN_LASTS)
    response.headers["Cache-Control"] = "no-store"


@router.get(RENEWAL)
async def renew_sign_in(
    session: Reading,
    request: Request,
    service: ServiceName = "matching",
    path: Annotated[str, Query(pattern=r"^/p/", max_length=500)] = OWN,
    query: Annotated[str, Query(max_length=1000)] = "",
) -> Response:
    """The next token for who is signed in still, none for others; and back to the page that was asked for."""
    response = moved(matching_of(request).settings.public_url(service, f"{path}?{query}" if query else path))
    try:
        caller: Caller = matching_of(request).tokens.read(request.cookies.get(SIGN_IN_COOKIE, ""))
        await keep(request, response, session, await sign_in.go_on(session, caller.sign_in))
    except NotAuthenticated:
        response.delete_cookie(SIGN_IN_COOKIE, path=SIGN_IN_PATH)
    return response


@router.get(OWN)
async def show_own(visitor: SignedIn, session: Reading, request: Request) -> Response:
    """Who is signed in, and for which organisations."""
    caller = visitor.caller
    found = await find_now(session, caller.organisations)
    organisations = sorted(found.values(), key=lambda each: each.name)
    return pages.show(request, "me.html", page=PAGE, caller=caller, organisations=organisations)


@router.post(PAGE + "/sign-out")
async def sign_out_by_page(visitor: SignedIn, form: KeyedForm, session: Transaction) -> Response:
    await sign_in.end(session, visitor.caller.sign_in)
    response = moved(PAGE)
    response.delete_cookie(SIGN_IN_COOKIE, path=SIGN_IN_PATH)
    return response
