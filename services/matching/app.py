"""The matching service: what it serves, listens to and does by itself."""

from functools import partial

from services.matching.introductions import asking, expiry, outcomes
from services.matching.leaving import exports
from services.matching.notices import finding, notices
from services.matching.organisations import profiles
from services.matching.pages import profile, sign_in_elsewhere
from services.matching.pages import sign_in as sign_in_pages
from services.matching.routes import (
    api_keys,
    cases,
    claims,
    erasures,
    imports,
    members,
    merging,
    organisations,
    search,
    suggestions,
    units,
)
from services.matching.routes import exports as export_routes
from services.matching.routes import introductions as introduction_routes
from services.matching.routes import sign_in as sign_in_routes
from services.matching.service import Matching
from services.matching.settings import Settings
from services.matching.ways_in import sign_in
from shared.http.jobs import A_MINUTE, Job
from shared.http.running import Application
from shared.http.service import create_service


def create_app(settings: Settings | None = None) -> Application:
    matching = Matching(settings or Settings.load())
    days = matching.settings.outcome_days
    introduction_days = matching.settings.introduction_days
    return create_service(
        matching,
        title="Videnbro matching: organisations, suggestions, introductions",
        routers=[
            imports.router,
            claims.router,
            organisations.router,
            merging.router,
            members.router,
            units.router,
            cases.router,
            erasures.router,
            export_routes.router,
            suggestions.router,
            introduction_routes.router,
            search.router,
            api_keys.router,
            sign_in_routes.router,
        ],
        pages=[profile.router, sign_in_pages.router, sign_in_elsewhere.router],
        jobs=[
            Job.due("expire introductions", expiry.any_overdue, expiry.expire),
            Job.due("ask who is known now", asking.any_askable, partial(asking.ask, days=introduction_days)),
            Job.due("ask for outcomes", partial(outcomes.any_due, days=days), partial(outcomes.ask, days=days)),
            Job.due("lapse statements", profiles.any_lapsed, profiles.lapse),
            Job.due("drop exports", exports.any_old, exports.drop_old),
            Job.due("drop sign-ins", sign_in.any_old, sign_in.drop_old),
            Job.due("mail sign-ins", sign_in.any_waiting, partial(sign_in.mail_waiting, appointed=matching.appointed)),
            Job("find partners of new profiles", find_partners_of_new_profiles, A_MINUTE),
            Job("tell of new partners", tell_of_new_partners, A_MINUTE),
            Job("keep the index at hand", keep_index_at_hand, A_MINUTE),
        ],
    )


async def find_partners_of_new_profiles(matching: Matching) -> bool:
    return await finding.find_some(matching.database, matching.index, matching.rhythm.after)


async def tell_of_new_partners(matching: Matching) -> bool:
    return await notices.tell_some(matching.database, matching.index, matching.rhythm)


async def keep_index_at_hand(matching: Matching) -> bool:
    """In production the first to ask need not wait for the index; the embedded stack spares the memory until then."""
    if matching.settings.mode == "production":
        await matching.index.now()
    return False
