"""The notify service: what it serves, listens to and does by itself."""

from services.notify.pages import inbox as inbox_page
from services.notify.pages import pages
from services.notify.routes import deliveries, inbox, inbox_stream, links, preferences
from services.notify.service import Notify
from services.notify.settings import Settings
from shared.http.jobs import Job
from shared.http.running import Application
from shared.http.service import create_service


def create_app(settings: Settings | None = None) -> Application:
    notify = Notify(settings or Settings.load())
    return create_service(
        notify,
        title="Videnbro notify: inbox, mail, lost links",
        routers=[inbox.router, inbox_stream.router, preferences.router, deliveries.router, links.router],
        pages=[inbox_page.router, pages.nowhere("/p/notify")],
        jobs=[
            Job("mail", lambda _: notify.sending.send_some(), poll=1.0),
            Job("lost links", lambda _: notify.lost_links.write_one()),
        ],
    )
