"""The registration's page, for its contact person: who is in, and naming, handing over, cancelling."""

from typing import Any
from uuid import UUID

from fastapi import Request, Response
from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.pages import pages
from services.events.pages.attendee_form import NameForm
from services.events.pages.shown import ShownAttendee, ShownRegistration
from services.events.registrations import consents
from services.events.registrations.access import (
    OwnRegistration,
    find_attendee,
    find_registration,
)
from services.events.registrations.changes import cancel_attendees, resend
from services.events.registrations.facts import RegistrationSeen, see
from services.events.routes.calendars import get_registration_calendar
from services.events.routes.registration_view import organisation_view
from services.events.tables import ACTIVE, Attendee
from shared.access.links import Links
from shared.fields import utc_now
from shared.http.callers import TheLinks
from shared.http.sessions import Reading, Transaction
from shared.pages import KeyedForm, KeyHolder, Visitor, moved
from shared.problems import NotFound

router = pages.router()
PAGE = "/p/events/registrations/{registration}"
ONE = PAGE + "/attendees/{attendee}"


@router.get(PAGE)
async def show_registration(
    registration: UUID, visitor: KeyHolder, session: Reading, request: Request, links: TheLinks
) -> Response:
    own, seen = await _find(session, registration, visitor)
    return _show(request, "registration.html", own, seen, tickets=_tickets(links, seen))


@router.get(PAGE + "/calendar.ics")
async def get_own_registration_calendar(
    registration: UUID, visitor: KeyHolder, session: Reading, request: Request
) -> Response:
    return await get_registration_calendar(registration, visitor.caller, session, request)


@router.post(PAGE + "/resend")
async def resend_by_page(registration: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction) -> Response:
    own = await find_registration(session, registration, visitor.caller)
    await resend(session, own.registration)
    return moved(PAGE.format(registration=registration), done="resent")


@router.get(PAGE + "/cancel")
async def ask_to_cancel(
    registration: UUID, visitor: KeyHolder, session: Reading, request: Request, attendee: UUID | None = None
) -> Response:
    """Asks who is to be cancelled; `attendee` is the one already ticked."""
    own, seen = await _find(session, registration, visitor)
    return _show(request, "cancel.html", own, seen, ticked={attendee}, nobody=False)


@router.post(PAGE + "/cancel")
async def cancel_by_page(
    registration: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction, request: Request
) -> Response:
    own, seen = await _find(session, registration, visitor)
    leaving = {attendee.id for attendee in seen.attendees if str(attendee.id) in form.all("attendee")}
    if not leaving:
        return _show(request, "cancel.html", own, seen, status=422, ticked=set(), nobody=True)
    await cancel_attendees(session, own.event.id, leaving, late=False)
    return moved(PAGE.format(registration=registration), done="cancelled")


@router.get(ONE)
async def ask_for_name(
    registration: UUID, attendee: UUID, visitor: KeyHolder, session: Reading, request: Request
) -> Response:
    own, seen = await _find(session, registration, visitor)
    one = _one_of(seen, attendee)
    return _show(
        request, "name.html", own, seen, attendee=ShownAttendee.to_contact(one, own), form=NameForm.for_contact(one)
    )


@router.post(ONE)
async def name_by_page(
    registration: UUID,
    attendee: UUID,
    visitor: KeyHolder,
    form: KeyedForm,
    session: Transaction,
    request: Request,
    links: TheLinks,
) -> Response:
    own, seen = await _find(session, registration, visitor)
    one = _one_of(seen, attendee)
    before, filled = one.code_version, NameForm.read(form)
    if not await filled.apply(session, links, one, visitor.caller, by_own_link=False):
        shown = ShownAttendee.to_contact(one, own)
        return _show(request, "name.html", own, seen, status=422, attendee=shown, form=filled)
    return moved(PAGE.format(registration=registration), done="named" if one.code_version == before else "handed_over")


@router.post(ONE + "/consents")
async def change_consents_by_page(
    registration: UUID, attendee: UUID, visitor: KeyHolder, form: KeyedForm, session: Transaction
) -> Response:
    """Of a contact person who attends: nobody else's are changed here."""
    _, seen = await _find(session, registration, visitor)
    own = await find_attendee(session, _one_of(seen, attendee).id, visitor.caller)
    agreed = form.one("shown_to_participants") == "yes"
    await consents.give(session, own, shown_to_participants=agreed)
    return moved(PAGE.format(registration=registration), done="shown" if agreed else "not_shown")


async def _find(
    session: AsyncSession, registration: UUID, visitor: Visitor
) -> tuple[OwnRegistration, RegistrationSeen]:
    own = await find_registration(session, registration, visitor.caller)
    return own, await see(session, own.registration)


def _one_of(seen: RegistrationSeen, attendee: UUID) -> Attendee:
    for each in seen.attendees:
        if each.id == attendee:
            return each
    raise NotFound("There is no such attendee in this registration.")


def _tickets(links: Links, seen: RegistrationSeen) -> dict[UUID, str]:
    """The ticket's address of each attendee who has one."""
    return {
        each.id: f"/t/{links.ticket_code(each.id, each.code_version)}"
        for each in seen.attendees
        if each.status == "confirmed"
    }


def _show(
    request: Request, template: str, own: OwnRegistration, seen: RegistrationSeen, *, status: int = 200, **facts: Any
) -> Response:
    now = utc_now()
    return pages.show(
        request,
        template,
        language=own.registration.contact_language,
        status=status,
        page=PAGE.format(registration=own.registration.id),
        done=request.query_params.get("done"),
        event=own.event,
        registration=ShownRegistration.to_contact(own.registration),
        organisation=organisation_view(seen),
        attendees=[ShownAttendee.to_contact(each, own) for each in seen.attendees],
        positions=seen.positions,
        active=ACTIVE,
        may_name=now < own.event.changes_close_at and own.event.status == "published",
        may_cancel=now < own.event.starts_at and own.event.status == "published",
        **facts,
    )
