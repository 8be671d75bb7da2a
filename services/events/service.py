"""The events service while it runs: the queue in which sign-ups wait to be decided together."""

from collections.abc import Callable

from fastapi import Request

from services.events.organisations.recognising import ids_now
from services.events.registrations.answering import SignUps, sign_ups
from services.events.registrations.deciding import SignedUp
from services.events.settings import Settings
from services.events.subscriptions import subscriptions
from shared.access.links import Links
from shared.http.running import Service


class Events(Service):
    settings: Settings

    def __init__(self, settings: Settings, write_answer: Callable[[Settings, Links, SignedUp], bytes]) -> None:
        """`write_answer` makes the body of the answer to a sign-up."""
        super().__init__("events", settings, subscriptions, acts_for=ids_now)
        self.sign_ups: SignUps = sign_ups(
            self.database, self.links, lambda signed_up: write_answer(settings, self.links, signed_up)
        )


def events_of(request: Request) -> Events:
    events: Events = request.app.state
    return events
