"""The notify service while it runs: those who send its mails, and who asked for lost links."""

from fastapi import Request

from services.notify.copies import ids_now
from services.notify.letters.lost_links import LostLinks
from services.notify.mail.sending import Sending
from services.notify.settings import Settings
from services.notify.subscriptions import subscriptions
from shared.http.running import Service


class Notify(Service):
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        super().__init__("notify", settings, subscriptions, acts_for=ids_now)
        self.lost_links = LostLinks(self.database, self.bus.pulse)
        self.sending = Sending(settings, self.database, self.links, self.bus.pulse, self.figures.registry)

    async def stop(self) -> None:
        await self.sending.stop()


def notify_of(request: Request) -> Notify:
    notify: Notify = request.app.state
    return notify
