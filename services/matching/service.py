"""The matching service while it runs: the index of all profiles, held by each process."""

from datetime import timedelta

from fastapi import Request

from services.matching.index.current import CurrentIndex
from services.matching.index.saved import path_of
from services.matching.notices.notices import Rhythm
from services.matching.organisations.changes import number_changes
from services.matching.organisations.new_profiles import queue_new
from services.matching.organisations.sight import ids_now
from services.matching.settings import Settings
from services.matching.subscriptions import subscriptions
from services.matching.ways_in.sign_in import Appointed
from shared.http.running import Service


class Matching(Service):
    settings: Settings

    def __init__(self, settings: Settings) -> None:
        # Numbers last: nothing is locked after the counter.
        steps = (queue_new, number_changes)
        super().__init__("matching", settings, subscriptions, acts_for=ids_now, before_commit=steps)
        self.index = CurrentIndex(self.database, self.figures.registry, path_of(settings))
        self.appointed = Appointed(settings.organisers, settings.secretariat)
        self.rhythm = Rhythm(
            timedelta(days=settings.notice_days),
            settings.notice_most,
            timedelta(minutes=settings.notice_after_minutes),
        )

    async def stop(self) -> None:
        await self.index.close()


def matching_of(request: Request) -> Matching:
    matching: Matching = request.app.state
    return matching
