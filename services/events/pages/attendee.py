"""An attendee's own page: the ticket, the own name, and the own cancellation. It opens by the attendee's key alone."""

from typing import Any
from uuid import UUID

from fastapi import Request, Response

from services.events.pages import pages
from services.events.pages.attendee_form import NameForm
from services.events.pages.shown import ShownAttendee, ShownRegistration
from services.events.pages.ticket import ticket_facts
from services.events.registrations import consents
from services.events.registrations.access import OwnAttendee, find_oneself
from services.events.registrations.changes import cancel_attendees
from services.events.registrations.facts import see
from services.events.routes.calendars import get_attendee_calendar
from services.events.routes.registration_view import organisation_view
from services.events.tables import ACTIVE
from shared.fields import utc_now
from shared.http.callers import TheLinks
from shared.http.sessions import Reading, Transaction
from shared.pages import KeyedForm, KeyHolder, moved

router = pages.router()
PAGE = "/p/events/attendees/{attendee}"


@router.get(PAGE)
async def show_attendee(
    attendee: UUID, visitor: KeyHolder, session: Reading, request: Request, links: TheLinks
) -> Response:
    own = await find_oneself(session, attendee, visitor.caller)
    seen = await see(session, own.registration)
    code = links.ticket_code(own.attendee.id, own.attendee.code_version)
    facts = ticket_facts(request, code, own.attendee, own.event) | {
        "attendee": ShownAttendee.to_oneself(own),
        "organisation": organisation_view(seen),
    }
    return _show(request, "attendee.html", own, **facts, position=seen.positions.get(own.attendee.id))


@router.get(PAGE + "/calendar.ics")
async def get_own_attendee_calendar(attendee: UUID, visitor: KeyHolder, session: Reading, request: Request) -> Response:
    await find_oneself(session, attendee, visitor.caller)
    return await get_attendee_calendar(attendee, visitor.caller, session, request)


@router.get(PAGE + "/name")
async def ask_for_own_name(attendee: UUID, visitor: KeyHolder, session: Reading, request: Request) -> Response:
    own = await find_oneself(session, attendee, visitor.caller)
    return _show(request, "name.html", own, form=NameForm.of(own.attendee))


@router.post(PAGE + "/name")
async def change_own_name(
    attendee: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction, request: Request, links: TheLinks
) -> Response:
    own = await find_oneself(session, attendee, visitor.caller)
    before, filled = own.attendee.link_version, NameForm.read(form)
    if not await filled.apply(session, links, own.attendee, visitor.caller, by_own_link=True):
        return _show(request, "name.html", own, status=422, form=filled)
    if own.attendee.link_version != before:
        # The link that opened this page is over: the seat is another's now.
        return _show(request, "handed_over.html", own)
    return moved(PAGE.format(attendee=attendee), done="named")


@router.post(PAGE + "/consents")
async def change_own_consents(attendee: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction) -> Response:
    own = await find_oneself(session, attendee, visitor.caller)
    agreed = form.one("shown_to_participants") == "yes"
    await consents.give(session, own, shown_to_participants=agreed)
    return moved(PAGE.format(attendee=attendee), done="shown" if agreed else "not_shown")


@router.get(PAGE + "/cancel")
async def ask_to_cancel_own(attendee: UUID, visitor: KeyHolder, session: Reading, request: Request) -> Response:
    return _show(request, "cancel_own.html", await find_oneself(session, attendee, visitor.caller))


@router.post(PAGE + "/cancel")
async def cancel_own_by_page(attendee: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction) -> Response:
    own = await find_oneself(session, attendee, visitor.caller)
    await cancel_attendees(session, own.event.id, [own.attendee.id], late=False)
    return moved(PAGE.format(attendee=attendee), done="cancelled")


def _show(request: Request, template: str, own: OwnAttendee, *, status: int = 200, **facts: Any) -> Response:
    now, event = utc_now(), own.event
    return pages.show(
        request,
        template,
        language=own.attendee.language or own.registration.contact_language,
        status=status,
        page=PAGE.format(attendee=own.attendee.id),
        done=request.query_params.get("done"),
        registration=ShownRegistration.to_attendee(own.registration),
        active=ACTIVE,
        **{"event": event, "attendee": ShownAttendee.to_oneself(own), **facts},
        may_name=own.attendee.status in ACTIVE and now < event.changes_close_at and event.status == "published",
        may_cancel=own.attendee.status in ACTIVE and now < event.starts_at and event.status == "published",
    )
