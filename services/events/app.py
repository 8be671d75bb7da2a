"""The events service: what it serves, listens to and does by itself."""

from functools import partial

from fastapi import FastAPI

from services.events.organisations.recognising import ids_now
from services.events.pages import attendee, event, pages, registration, ticket
from services.events.registrations.answering import sign_ups
from services.events.routes import attendance, attendees, calendars, check_ins, events, registrations, sign_up
from services.events.settings import Settings
from services.events.subscriptions import subscriptions
from shared.http.service import create_service


def create_app(settings: Settings | None = None) -> FastAPI:
    app = create_service(
        "events",
        settings or Settings.load(),
        title="Videnbro events: sign-up, waitlist, check-in",
        routers=[
            events.router,
            sign_up.router,
            registrations.router,
            registrations.once,
            attendees.router,
            attendees.once,
            check_ins.router,
            attendance.router,
            calendars.router,
        ],
        pages=[event.router, registration.router, attendee.router, ticket.router, pages.nowhere("/p/events", "/t")],
        subscriptions=subscriptions,
        acts_for=ids_now,
    )
    state = app.state
    write = partial(sign_up.write_answer, state.settings, state.links)
    state.sign_ups = sign_ups(state.database, state.links, write)
    return app
