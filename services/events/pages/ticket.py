"""The ticket's page: what its QR code opens."""

from base64 import b64encode
from typing import Annotated, Any

from fastapi import Path, Request, Response

from services.events.door import tickets
from services.events.pages import pages
from services.events.pages.shown import ShownAttendee
from services.events.programme import calendar_files
from services.events.routes.calendars import calendar_answer, page_address
from services.events.service import events_of
from services.events.tables import Attendee, Event
from shared.http.sessions import Reading
from shared.pages import page_language
from shared.problems import LinkExpired

router = pages.router()
TicketCode = Annotated[str, Path(min_length=1, max_length=40)]


@router.get("/t/{code}")
async def show_ticket(code: TicketCode, session: Reading, request: Request) -> Response:
    try:
        attendee, event = await tickets.find(session, code)
    except LinkExpired as over:
        return pages.show(request, "ticket_over.html", status=over.status, private=True)
    facts = ticket_facts(request, code, attendee, event)
    return pages.show(request, "ticket.html", language=attendee.language, private=True, **facts)


@router.get("/t/{code}/calendar.ics")
async def get_ticket_calendar(code: TicketCode, session: Reading, request: Request) -> Response:
    attendee, event = await tickets.find(session, code)
    file = calendar_files.attendee_file(event, attendee, page_address(request, event), page_language(request))
    return calendar_answer(file, event.slug)


def ticket_facts(request: Request, code: str, attendee: Attendee, event: Event) -> dict[str, Any]:
    """What a ticket shows. Only who has a seat gets a QR code."""
    plain = tickets.read_code(code)
    admits = attendee.status == "confirmed" and event.status == "published"
    picture = tickets.qr_svg(events_of(request).settings.public_url("events", f"/t/{plain}")) if admits else b""
    types = {each["key"]: each["title"] for each in event.ticket_types}
    return {
        "event": event,
        "attendee": ShownAttendee.on_ticket(attendee),
        "code": plain,
        "qr": f"data:image/svg+xml;base64,{b64encode(picture).decode()}" if picture else None,
        "ticket_type": types.get(attendee.ticket_type) if len(types) > 1 else None,
    }
