"""The events service: what it serves, listens to and does by itself."""

from services.events.pages import attendee, confirmation, event, pages, registration, ticket
from services.events.routes import (
    attendance,
    attendees,
    calendars,
    check_ins,
    events,
    recognising,
    registrations,
    sign_up,
)
from services.events.service import Events
from services.events.settings import Settings
from shared.http.running import Application
from shared.http.service import create_service


def create_app(settings: Settings | None = None) -> Application:
    return create_service(
        Events(settings or Settings.load(), sign_up.write_answer),
        title="Videnbro events: sign-up, waitlist, check-in",
        routers=[
            events.router,
            sign_up.router,
            registrations.router,
            registrations.once,
            recognising.router,
            attendees.router,
            attendees.once,
            check_ins.router,
            attendance.router,
            calendars.router,
        ],
        pages=[
            confirmation.router,
            event.router,
            registration.router,
            attendee.router,
            ticket.router,
            pages.nowhere("/p/events", "/t"),
        ],
    )
