"""The notify service: what it serves, listens to and does by itself."""

from fastapi import FastAPI

from services.notify.copies import ids_now
from services.notify.mail.sending import Sending
from services.notify.pages import inbox as inbox_page
from services.notify.pages import pages
from services.notify.routes import deliveries, inbox, inbox_stream, links, preferences
from services.notify.settings import Settings
from services.notify.subscriptions import subscriptions
from shared.http.jobs import Job
from shared.http.service import create_service


def create_app(settings: Settings | None = None) -> FastAPI:
    settings = settings or Settings.load()
    app = create_service(
        "notify",
        settings,
        title="Videnbro notify: inbox, mail, lost links",
        routers=[inbox.router, inbox_stream.router, preferences.router, deliveries.router, links.router],
        pages=[inbox_page.router, pages.nowhere("/p/notify")],
        subscriptions=subscriptions,
        acts_for=ids_now,
        jobs=[Job("mail", lambda app: app.state.sending.send_some(), poll=1.0)],
        stopped=lambda app: app.state.sending.stop(),
    )
    state = app.state
    state.sending = Sending(settings, state.database, state.links, state.bus.pulse, state.figures.registry)
    return app
