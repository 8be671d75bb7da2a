"""The public page of an event, with its sign-up form."""

import hashlib
import json
from typing import Annotated
from uuid import UUID

from fastapi import Path, Request, Response
from pydantic import ValidationError

from services.events.pages import pages
from services.events.pages.sign_up_form import IF_FULL, KINDS, Filled, Wrong, wrong_by_problem, wrong_by_validation
from services.events.programme import programme
from services.events.programme.programme import EventSeen
from services.events.registrations.answering import AskedOnce
from services.events.routes.sign_up import SignUpInput, asked_of
from services.events.service import events_of
from shared.access.caller import Caller
from shared.access.links import Purpose, link_expiry
from shared.fields import utc_now
from shared.http.callers import TheLinks
from shared.http.sessions import Reading, database_of
from shared.idempotency import Repeatable
from shared.pages import OpenForm, open_by_key, page_language
from shared.problems import Invalid, Problem

router = pages.router()

EventReference = Annotated[str, Path(max_length=80)]


@router.get("/p/events/{event}")
async def show_event(event: EventReference, session: Reading, request: Request) -> Response:
    return _show(request, await programme.find(session, event, Caller()), Filled())


@router.post("/p/events/{event}")
async def sign_up_by_page(event: EventReference, form: OpenForm, request: Request, links: TheLinks) -> Response:
    """Signs up, or adds and takes away a row of the form. Signing up ends on the registration's own page."""
    async with database_of(request).reading() as session:
        seen = await programme.find(session, event, Caller())
    filled = Filled.read(form)
    if filled.press(form.one("do") or ""):
        return _show(request, seen, filled)
    try:
        body = filled.body(page_language(request))
        registration = await _sign_up(request, seen, filled, body)
    except ValidationError as wrong:
        return _show(request, seen, filled, Invalid(), wrong_by_validation(filled, wrong))
    except Problem as refusal:
        return _show(request, seen, filled, refusal, wrong_by_problem(filled, refusal.extras))
    key = links.key(Purpose.SIGN_UP, registration, 1, link_expiry(seen.event.ends_at))
    path = f"/p/events/registrations/{registration}"
    return open_by_key(request, path, [("done", "signed_up")], key, links.read(key))


async def _sign_up(request: Request, seen: EventSeen, filled: Filled, body: SignUpInput) -> UUID:
    """The id of the registration. The same form sent twice is one sign-up; the form changed and sent is another."""
    asked = asked_of(seen.event.id, body, Caller())
    digest = hashlib.sha256(f"{filled.once} {body.model_dump_json()}".encode()).digest()
    repeatable = Repeatable(f"public POST /p/events/{seen.event.id}", digest.hex(), digest)
    sign_ups = events_of(request).sign_ups
    answered = await sign_ups(AskedOnce(asked, repeatable))
    return UUID(json.loads(answered.kept.body)["id"])


def _show(
    request: Request, seen: EventSeen, filled: Filled, refusal: Problem | None = None, wrong: Wrong | None = None
) -> Response:
    event = seen.event
    kinds_matter = any(each.get("kinds") for each in event.ticket_types)
    return pages.show(
        request,
        "event.html",
        status=refusal.status if refusal else 200,
        event=event,
        state=seen.registration_status(utc_now()),
        seats_left=seen.remaining_capacity,
        waitlist=event.waitlist_mode != "off",
        ticket_types=event.ticket_types,
        filled=filled,
        refusal=refusal,
        wrong=wrong or Wrong.none(filled),
        if_full_choices=IF_FULL,
        kinds=KINDS,
        ask_kind=kinds_matter or bool(filled.kind),
    )
