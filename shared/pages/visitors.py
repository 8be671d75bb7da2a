"""Who opened a page, by the key in its cookie or signed in; and what was filled in."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from shared.access.caller import Caller
from shared.access.links import Link
from shared.http.callers import as_now, links_of
from shared.http.sessions import service_of
from shared.problems import NotAuthenticated, Problem

KEY_COOKIE, SIGN_IN_COOKIE = "videnbro_key", "videnbro_sign_in"
SIGN_IN_PATH = "/p/"
RENEWAL = "/p/matching/sign-in/renew"
_UNKEPT = {"Cache-Control": "no-store"}


class KeyMissing(Problem):
    """The page opens only by its mailed link, and this browser has not followed it."""

    status, slug, title = 404, "key-missing", "Open this page from the link in your mail"


class NotSignedIn(Problem):
    """The page opens only for who has signed in."""

    status, slug, title = 401, "not-signed-in", "Sign in to open this page"


class FormNotOurs(Problem):
    """A form without the proof that our page gave it."""

    status, slug, title = 403, "form-not-ours", "The form was not sent from our page"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever opened a page: by the key in its cookie, by having signed in, or nobody in particular.

    `proof` is what its forms send back.
    """

    caller: Caller = field(default_factory=Caller)
    proof: str | None = None


class KeyInAddress(Exception):
    """A genuine key in the address of a GET: the answer is `moved_to_cookie`."""

    def __init__(self, key: str, link: Link) -> None:
        self.key, self.link = key, link


class SignInDue(Exception):
    """A page was opened by a token that has lasted half its time: the answer leads over where the next one is given."""


async def _any_visitor(request: Request) -> Visitor:
    links = links_of(request)
    in_address = request.query_params.get("key")
    if in_address is not None and request.method != "POST":
        raise KeyInAddress(in_address, links.read(in_address))
    key = request.cookies.get(KEY_COOKIE)
    visitor = Visitor(Caller(link=links.read(key)), links.form_proof(key)) if key else Visitor()
    request.state.visitor = visitor
    return visitor


async def _signed_in(request: Request) -> Visitor:
    visitor = request.state.visitor = await _by_token(request)
    if visitor.proof is None:
        raise NotSignedIn()
    return visitor


async def _by_token(request: Request) -> Visitor:
    """Whoever signed in, by the token in the cookie; nobody in particular when it is over or not ours."""
    service, token = service_of(request), request.cookies.get(SIGN_IN_COOKIE)
    try:
        caller = service.tokens.read(token or "")
    except NotAuthenticated:
        return Visitor()
    if caller.sign_in is None:
        return Visitor()
    if request.method == "GET" and token and service.tokens.is_half_over(token):
        raise SignInDue()
    return Visitor(await as_now(service, caller), links_of(request).form_proof(f"sign-in {caller.sign_in}"))


def keep_signed_in(request: Request, response: Response, token: str, lasts: timedelta) -> None:
    """The token in a cookie for all pages: those of the other services too, where one address serves all."""
    response.set_cookie(
        SIGN_IN_COOKIE,
        token,
        max_age=int(lasts.total_seconds()),
        path=SIGN_IN_PATH,
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )


def renewal_of(request: Request) -> Response:
    """303 to matching, which gives the next token and leads back here."""
    service = service_of(request)
    back = urlencode({"service": service.name, "path": request.url.path, "query": request.url.query})
    return RedirectResponse(f"{service.settings.public_url('matching', RENEWAL)}?{back}", 303, _UNKEPT)


async def _known_visitor(request: Request, visitor: Annotated[Visitor, Depends(_any_visitor)]) -> Visitor:
    if visitor.proof is None:
        visitor = request.state.visitor = await _by_token(request)
    if visitor.proof is None:
        raise KeyMissing()
    return visitor


async def _key_holder(visitor: Annotated[Visitor, Depends(_any_visitor)]) -> Visitor:
    if visitor.proof is None:
        raise KeyMissing()
    return visitor


def moved_to_cookie(request: Request, found: KeyInAddress) -> Response:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "key"]
    return open_by_key(request, request.url.path, kept, found.key, found.link)


def open_by_key(request: Request, path: str, query: Sequence[tuple[str, str]], key: str, link: Link) -> Response:
    """303 to a page that the key opens, with the key in a cookie for that page alone."""
    response = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303, _UNKEPT)
    response.set_cookie(
        KEY_COOKIE,
        key,
        path=_path_of(path, link),
        httponly=True,
        samesite="lax",
        secure=is_https(request),
    )
    return response


def is_https(request: Request) -> bool:
    service = service_of(request)
    return service.settings.public_url(service.name, "").startswith("https:")


def _path_of(path: str, link: Link) -> str:
    """Where the cookie is sent: the page of the thing the link opens, and what is below it."""
    before, thing, _ = path.partition(str(link.id))
    return before + thing


AnyVisitor = Annotated[Visitor, Depends(_any_visitor)]
KeyHolder = Annotated[Visitor, Depends(_key_holder)]
SignedIn = Annotated[Visitor, Depends(_signed_in)]
# By a key or signed in.
KnownVisitor = Annotated[Visitor, Depends(_known_visitor)]


@dataclass(frozen=True, slots=True)
class Form:
    """What was filled in. Absent and empty are the same: a browser sends empty fields too."""

    data: FormData

    def one(self, name: str) -> str | None:
        value = self.data.get(name)
        return value.strip() or None if isinstance(value, str) else None

    def all(self, name: str) -> list[str]:
        """The values of repeated fields, in order; empty ones too, so that rows stay beside each other."""
        return [value.strip() for value in self.data.getlist(name) if isinstance(value, str)]


async def _open_form(request: Request) -> Form:
    return Form(await request.form(max_files=0))


async def _keyed_form(visitor: KnownVisitor, form: Annotated[Form, Depends(_open_form)]) -> Form:
    if not hmac.compare_digest((form.one("proof") or "").encode(), (visitor.proof or "").encode()):
        raise FormNotOurs()
    return form


OpenForm = Annotated[Form, Depends(_open_form)]
KeyedForm = Annotated[Form, Depends(_keyed_form)]
