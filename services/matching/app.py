"""The matching service: what it serves, listens to and does by itself."""

from datetime import timedelta

from fastapi import FastAPI

from services.matching.index.current import CurrentIndex
from services.matching.index.saved import path_of
from services.matching.introductions import expiry, outcomes
from services.matching.leaving import exports
from services.matching.notices import finding, notices
from services.matching.notices.notices import Rhythm
from services.matching.organisations import profiles
from services.matching.organisations.changes import number_changes
from services.matching.organisations.new_profiles import queue_new
from services.matching.organisations.sight import ids_now
from services.matching.pages import profile
from services.matching.routes import claims, erasures, imports, members, merging, organisations, search, suggestions
from services.matching.routes import exports as export_routes
from services.matching.routes import introductions as introduction_routes
from services.matching.settings import Settings
from services.matching.subscriptions import subscriptions
from shared.http.jobs import Job
from shared.http.service import create_service

A_MINUTE = 60.0


async def expire_introductions(app: FastAPI) -> bool:
    # Looked at first: an empty transaction would wake the jobs again.
    async with app.state.database.reading() as session:
        if not await expiry.any_overdue(session):
            return False
    async with app.state.database.transaction() as session:
        return await expiry.expire(session)


async def ask_for_outcomes(app: FastAPI) -> bool:
    days = app.state.settings.outcome_days
    async with app.state.database.reading() as session:
        if not await outcomes.any_due(session, days):
            return False
    async with app.state.database.transaction() as session:
        return await outcomes.ask(session, days)


async def lapse_statements(app: FastAPI) -> bool:
    async with app.state.database.reading() as session:
        if not await profiles.any_lapsed(session):
            return False
    async with app.state.database.transaction() as session:
        return await profiles.lapse(session)


async def find_partners_of_new_profiles(app: FastAPI) -> bool:
    return await finding.find_some(app.state.database, app.state.index, _rhythm(app).after)


async def tell_of_new_partners(app: FastAPI) -> bool:
    return await notices.tell_some(app.state.database, app.state.index, _rhythm(app))


def _rhythm(app: FastAPI) -> Rhythm:
    settings: Settings = app.state.settings
    after = timedelta(minutes=settings.notice_after_minutes)
    return Rhythm(timedelta(days=settings.notice_days), settings.notice_most, after)


async def drop_exports(app: FastAPI) -> bool:
    async with app.state.database.reading() as session:
        if not await exports.any_old(session):
            return False
    async with app.state.database.transaction() as session:
        return await exports.drop_old(session)


async def keep_index_at_hand(app: FastAPI) -> bool:
    """In production the first to ask need not wait for the index; the embedded stack spares the memory until then."""
    if app.state.settings.mode == "production":
        await app.state.index.now()
    return False


def create_app(settings: Settings | None = None) -> FastAPI:
    app = create_service(
        "matching",
        settings or Settings.load(),
        title="Videnbro matching: organisations, suggestions, introductions",
        routers=[
            imports.router,
            claims.router,
            organisations.router,
            merging.router,
            members.router,
            erasures.router,
            export_routes.router,
            suggestions.router,
            introduction_routes.router,
            search.router,
        ],
        pages=[profile.router],
        subscriptions=subscriptions,
        jobs=[
            Job("expire introductions", expire_introductions, poll=A_MINUTE),
            Job("ask for outcomes", ask_for_outcomes, poll=A_MINUTE),
            Job("lapse statements", lapse_statements, poll=A_MINUTE),
            Job("find partners of new profiles", find_partners_of_new_profiles, poll=A_MINUTE),
            Job("tell of new partners", tell_of_new_partners, poll=A_MINUTE),
            Job("drop exports", drop_exports, poll=A_MINUTE),
            Job("keep the index at hand", keep_index_at_hand, poll=A_MINUTE),
        ],
        acts_for=ids_now,
        stopped=close_index,
    )
    state = app.state
    # Numbers last: nothing is locked after the counter.
    state.database.before_commit += [queue_new, number_changes]
    state.index = CurrentIndex(state.database, state.figures.registry, path_of(state.settings))
    return app


async def close_index(app: FastAPI) -> None:
    await app.state.index.close()
