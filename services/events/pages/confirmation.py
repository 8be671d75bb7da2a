"""The page behind the mailed link that confirms an address: opening it shows, the button confirms."""

from fastapi import Request, Response

from services.events.pages import pages
from services.events.registrations import confirming
from services.events.registrations.facts import see
from services.events.routes.registration_view import organisation_view
from services.events.tables import Event, Registration
from shared.http.sessions import Reading, Transaction
from shared.pages import KeyedForm, KeyHolder, moved

router = pages.router()
PAGE = "/p/events/confirmations"


@router.get(PAGE)
async def show_confirmation(visitor: KeyHolder, session: Reading, request: Request) -> Response:
    registration = await confirming.find_confirmable(session, visitor.caller)
    return await _show(request, session, registration)


@router.post(PAGE)
async def confirm_by_page(visitor: KeyHolder, form: KeyedForm, session: Transaction) -> Response:
    await confirming.confirm(session, await confirming.find_confirmable(session, visitor.caller))
    return moved(PAGE, done="confirmed")


async def _show(request: Request, session: Reading, registration: Registration) -> Response:
    return pages.show(
        request,
        "confirmation.html",
        language=registration.contact_language,
        event=await session.get_one(Event, registration.event_id),
        registration=registration,
        organisation=organisation_view(await see(session, registration)),
    )
