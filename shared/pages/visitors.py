"""Who opened a page, by the key in its cookie; and what was filled in."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from shared.access.caller import Caller
from shared.access.links import Link
from shared.http.callers import links_of
from shared.http.sessions import service_of
from shared.problems import Problem

KEY_COOKIE = "videnbro_key"


class KeyMissing(Problem):
    """The page opens only by its mailed link, and this browser has not followed it."""

    status, slug, title = 404, "key-missing", "Open this page from the link in your mail"


class FormNotOurs(Problem):
    """A form without the proof that our page gave it."""

    status, slug, title = 403, "form-not-ours", "The form was not sent from our page"


@dataclass(frozen=True, slots=True)
class Visitor:
    """Whoever opened a page: by the key in its cookie, or nobody in particular. `proof` is what its forms send back."""

    caller: Caller = field(default_factory=Caller)
    proof: str | None = None


class KeyInAddress(Exception):
    """A genuine key in the address of a GET: the answer is `moved_to_cookie`."""

    def __init__(self, key: str, link: Link) -> None:
        self.key, self.link = key, link


async def _any_visitor(request: Request) -> Visitor:
    links = links_of(request)
    in_address = request.query_params.get("key")
    if in_address is not None and request.method != "POST":
        raise KeyInAddress(in_address, links.read(in_address))
    key = request.cookies.get(KEY_COOKIE)
    visitor = Visitor(Caller(link=links.read(key)), links.form_proof(key)) if key else Visitor()
    request.state.visitor = visitor
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
    service = service_of(request)
    response = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)
    response.headers["Cache-Control"] = "no-store"
    response.set_cookie(
        KEY_COOKIE,
        key,
        path=_path_of(path, link),
        httponly=True,
        samesite="lax",
        secure=service.settings.public_url(service.name, "").startswith("https:"),
    )
    return response


def _path_of(path: str, link: Link) -> str:
    """Where the cookie is sent: the page of the thing the link opens, and what is below it."""
    before, thing, _ = path.partition(str(link.id))
    return before + thing


AnyVisitor = Annotated[Visitor, Depends(_any_visitor)]
KeyHolder = Annotated[Visitor, Depends(_key_holder)]


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


async def _keyed_form(visitor: KeyHolder, form: Annotated[Form, Depends(_open_form)]) -> Form:
    if not hmac.compare_digest((form.one("proof") or "").encode(), (visitor.proof or "").encode()):
        raise FormNotOurs()
    return form


OpenForm = Annotated[Form, Depends(_open_form)]
KeyedForm = Annotated[Form, Depends(_keyed_form)]
