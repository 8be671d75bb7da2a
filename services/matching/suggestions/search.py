"""Searching partners for a need in free text, with the same reasons as suggestions."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.sight import sight_of
from services.matching.sign_ups.going import find_event, is_signed_up, organisations_shown
from services.matching.similarity import Index, Suggestion, Wanted
from services.matching.suggestions.explanations import explain
from services.matching.suggestions.suggestions import Filters, Partner, not_for_each_other, see_all
from services.matching.tables import Event
from shared.access.caller import Caller
from shared.fields import Language
from shared.problems import NotAllowed


@dataclass(frozen=True, slots=True)
class Scope:
    """Who may be found by a caller."""

    among: frozenset[UUID] | None
    without: frozenset[UUID]


async def scope_of(session: AsyncSession, caller: Caller, event: str | None) -> Scope:
    """Members, holders of a profile link and organisers may search; never for those who said no to each other."""
    sight = await sight_of(session, caller)
    caller.require(bool(sight.own) or "organiser" in caller.roles or caller.is_admin, may_see=True)
    own = list(sight.own)
    among = None
    if event is not None:
        there = await find_event(session, event)
        await _require_there(session, caller, there, own)
        among = await organisations_shown(session, there.id)
    return Scope(among, await not_for_each_other(session, own) | frozenset(own))


async def _require_there(session: AsyncSession, caller: Caller, event: Event, own: Sequence[UUID]) -> None:
    if caller.organises(event.organisation_id):
        return
    for organisation_id in own:
        if await is_signed_up(session, event.id, organisation_id):
            return
    raise NotAllowed("Whom to meet at an event is shown to those who have signed up for it.")


async def rank(index: Index, text: str, scope: Scope, filters: Filters) -> list[Suggestion]:
    """The engine's answer, computed in a worker thread."""
    wanted = Wanted(
        limit=filters.limit,
        kinds=filters.kinds or None,
        categories=filters.categories or None,
        among=scope.among,
        without=scope.without,
        partnerships=filters.partnerships,
        diverse=filters.diverse,
        full=filters.full,
    )
    return await asyncio.to_thread(index.search, text, wanted)


async def found_partners(session: AsyncSession, found: Sequence[Suggestion], language: Language) -> list[Partner]:
    """What was found with names, texts and a sentence; only what is public counts here."""
    seen = await see_all(session, found, {}, members_parts=False)
    return [Partner(other, suggestion, told, explain(other.name, told, language)) for other, suggestion, told in seen]
