"""The one door to Jinja for pages."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Message, Receive, Scope, Send

from shared.database import is_away
from shared.fields import Language
from shared.http.rendering import from_http, from_validation
from shared.http.sessions import service_of
from shared.language import LANGUAGES, clock, day, span, text_of
from shared.pages.language import LANGUAGE_COOKIE, page_language
from shared.pages.markdown import markdown
from shared.pages.visitors import KeyInAddress, SignInDue, Visitor, moved_to_cookie, renewal_of
from shared.problems import NotFound, Problem, Unavailable
from shared.telemetry import get_logger

log = get_logger()

_A_YEAR = 365 * 24 * 3600
_OWN_TEMPLATES = Path(__file__).parents[1] / "templates"


class Pages:
    """The pages of one service: its folder of templates, over the shared layout.

    A problem `x` is shown by `problems/x.html` if there is one. Templates know `say(da, en)`, `text(texts)`, `day`,
    `clock` and `span` of times, `| markdown`, `language`, and `proof` for the hidden field of forms.
    """

    def __init__(self, folder: Path | None = None) -> None:
        folders = [folder, _OWN_TEMPLATES] if folder else [_OWN_TEMPLATES]
        self._environments = {language: _environment(folders, language) for language in LANGUAGES}

    def router(self) -> APIRouter:
        """For page routes: whatever goes wrong in one is shown as a page."""
        return APIRouter(route_class=type("PageRoute", (PageRoute,), {"pages": self}))

    def nowhere(self, *prefixes: str) -> APIRouter:
        """The last of a service's page routers: what is no page's address is answered with a page too."""
        router = self.router()
        for prefix in prefixes:
            router.add_api_route(f"{prefix}/{{rest:path}}", _nothing_here, methods=["GET", "POST"])
        return router

    def show(
        self,
        request: Request,
        template: str,
        *,
        language: str | None = None,
        status: int = 200,
        private: bool = False,
        **facts: Any,
    ) -> Response:
        """A page. `language` is the person's own, where we know it: it goes before what the browser likes.

        `private` pages, and all that a key opened, are kept by no cache.
        """
        chosen = page_language(request, language)
        visitor: Visitor = getattr(request.state, "visitor", Visitor())
        page = self._environments[chosen].get_template(template)
        html = page.render(proof=visitor.proof, **_places(request, chosen), **facts)
        return _answer(request, html, status, private=private or visitor.proof is not None)

    def show_problem(self, request: Request, problem: Problem) -> Response:
        language = page_language(request)
        page = self._environments[language].select_template([f"problems/{problem.slug}.html", "problem.html"])
        html = page.render(problem=problem, proof=None, **_places(request, language))
        response = _answer(request, html, problem.status, private=True)
        response.headers.update(problem.headers)
        return response


class PageRoute(APIRoute):
    """Shows a refusal or a fault of its route as a page. Made by `Pages.router`."""

    pages: Pages

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Without the application's handlers, which answer JSON, errors come here, after the transaction is undone.
        request = Request({**scope, "starlette.exception_handlers": ({}, {})}, receive)
        started = False

        async def sender(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await super().handle(request.scope, receive, sender)
        except Exception as error:
            if started:
                raise
            await self._answer(request, error)(scope, receive, send)

    def _answer(self, request: Request, error: Exception) -> Response:
        if isinstance(error, KeyInAddress):
            return moved_to_cookie(request, error)
        if isinstance(error, SignInDue):
            return renewal_of(request)
        problem = _problem_of(error)
        if type(problem) is Problem:
            log.exception("unexpected fault", path=request.url.path, exc_info=error)
        return self.pages.show_problem(request, problem)


async def _nothing_here() -> Response:
    raise NotFound()


def _problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case RequestValidationError():
            in_address = any(item["loc"][0] == "path" for item in error.errors())
            return NotFound() if in_address else from_validation(error)
        case HTTPException():
            return from_http(error)
        case _:
            return Unavailable() if is_away(error) else Problem()


def moved(path: str, **query: str) -> Response:
    """After a POST: 303 to the page that shows what became of it."""
    return RedirectResponse(f"{path}?{urlencode(query)}" if query else path, 303)


def _environment(folders: Sequence[Path], language: Language) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        language=language,
        say=(lambda da, en: da) if language == "da" else (lambda da, en: en),
        text=partial(text_of, language=language),
        day=partial(day, language=language),
        clock=partial(clock, language=language),
        span=partial(span, language=language),
    )
    environment.filters["markdown"] = markdown
    return environment


def _places(request: Request, language: Language) -> dict[str, Any]:
    """The addresses a page needs: of itself in the other language, and where a lost link is asked for."""
    settings = service_of(request).settings
    others = [(name, value) for name, value in request.query_params.multi_items() if name not in ("key", "language")]
    return {
        "path": request.url.path,
        "other_language": "?" + urlencode([*others, ("language", "en" if language == "da" else "da")]),
        "sign_in_page": settings.public_url("matching", f"/p/matching/sign-in?language={language}"),
        "links_page": settings.public_url("notify", f"/p/notify/links?language={language}"),
    }


def _answer(request: Request, html: str, status: int, *, private: bool) -> Response:
    response = HTMLResponse(html, status)
    response.headers["Cache-Control"] = "no-store" if private else "no-cache"
    response.headers["Vary"] = "Accept-Language, Cookie"
    chosen = request.query_params.get("language")
    if chosen in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, chosen, max_age=_A_YEAR, httponly=True, samesite="lax")
    return response
