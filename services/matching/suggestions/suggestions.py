"""Suggestions: who may be a partner, how well it fits, and the reasons a reader may see."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.sight import NoOrganisation, find, find_now, sight_of
from services.matching.organisations.statements import readable
from services.matching.sign_ups.going import find_event, is_signed_up, organisations_shown
from services.matching.similarity import Fit, Ground, Index, Reason, Suggestion, Wanted
from services.matching.suggestions.explanations import Told, explain, explain_to_both
from services.matching.tables import Answer, Event, Organisation
from shared.access.caller import Caller
from shared.fields import Language
from shared.problems import NotAllowed

Strength = Literal["strong", "good", "possible"]
STRONG, GOOD = 0.6, 0.4
LANGUAGES: tuple[Language, ...] = ("da", "en")


@dataclass(frozen=True, slots=True)
class Filters:
    """What a caller asks for; empty and None leave it open.

    `partnerships`: whether those known of an organisation count; `diverse`: near-copies come last; `full`: with the
    whole calculation.
    """

    limit: int = 20
    kinds: frozenset[str] = frozenset()
    categories: frozenset[str] = frozenset()
    hub: str | None = None
    event: str | None = None
    partnerships: bool = True
    diverse: bool = True
    full: bool = False


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom partners are sought, what the reader may see, and who may be among them."""

    organisation: Organisation
    members_parts: bool
    own_parts: bool
    among: frozenset[UUID] | None
    without: frozenset[UUID]
    answers: Mapping[UUID, str]

    @property
    def liked(self) -> frozenset[UUID]:
        return frozenset(other for other, answer in self.answers.items() if answer == "yes")


@dataclass(frozen=True, slots=True)
class Partner:
    """A partner as proposed to a reader."""

    organisation: Organisation
    suggestion: Suggestion
    told: tuple[Told, ...]
    explanation: str
    answer: str | None = None

    @property
    def strength(self) -> Strength:
        score = self.suggestion.score
        return "strong" if score >= STRONG else "good" if score >= GOOD else "possible"


async def asking_for(session: AsyncSession, caller: Caller, organisation_id: UUID, filters: Filters) -> Asking:
    """Who asks for this organisation's partners, if the caller may.

    Its own people may, and the organiser of an event it goes to, who is told nothing of its answers.
    """
    sight = await sight_of(session, caller)
    organisation = sight.own.get(organisation_id) or await find(session, organisation_id)
    if organisation is None:
        caller.require(False)
        raise NoOrganisation()
    organisation_id = organisation.id
    event = await find_event(session, filters.event) if filters.event and caller.known else None
    own = sight.owns(organisation_id)
    if not own and not await _organises_for(session, caller, event, organisation_id):
        if caller.known and not organisation.published:
            raise NoOrganisation()
        caller.require(False, may_see=True)
    among = await _meeting(session, caller, event, organisation_id) if event is not None else None
    hidden = await not_for_each_other(session, [organisation_id])
    return Asking(
        organisation=organisation,
        members_parts=own and (organisation.published or caller.is_admin),
        own_parts=own,
        among=among,
        without=hidden | await _answered(session, organisation_id, "already_partners"),
        answers=await _answers_of(session, organisation_id) if own else {},
    )


async def _organises_for(session: AsyncSession, caller: Caller, event: Event | None, organisation_id: UUID) -> bool:
    return (
        event is not None
        and caller.organises(event.organisation_id)
        and await is_signed_up(session, event.id, organisation_id)
    )


async def _meeting(session: AsyncSession, caller: Caller, event: Event, organisation_id: UUID) -> frozenset[UUID]:
    """Who is shown there; told to those who have signed up themselves, and to the organiser."""
    if not caller.organises(event.organisation_id) and not await is_signed_up(session, event.id, organisation_id):
        raise NotAllowed("Whom to meet at an event is shown to those who have signed up for it.")
    return await organisations_shown(session, event.id)


async def not_for_each_other(session: AsyncSession, own: Sequence[UUID]) -> frozenset[UUID]:
    """Those that one of our own has said no to, or that have said no to it: neither sees the other again."""
    if not own:
        return frozenset()
    either = or_(col(Answer.organisation_id).in_(own), col(Answer.other_id).in_(own))
    statement = select(Answer.organisation_id, Answer.other_id).where(Answer.answer == "not_for_us", either)
    found = (await session.exec(statement)).all()
    return frozenset(side for pair in found for side in pair) - frozenset(own)


async def _answered(session: AsyncSession, organisation_id: UUID, answer: str) -> frozenset[UUID]:
    mine = (Answer.organisation_id == organisation_id, Answer.answer == answer)
    return frozenset(await session.exec(select(Answer.other_id).where(*mine)))


async def _answers_of(session: AsyncSession, organisation_id: UUID) -> dict[UUID, str]:
    mine = select(Answer.other_id, Answer.answer).where(Answer.organisation_id == organisation_id)
    return dict((await session.exec(mine)).all())


async def rank(index: Index, asking: Asking, filters: Filters) -> list[Suggestion]:
    """The engine's suggestions, computed in a worker thread."""
    wanted = Wanted(
        limit=filters.limit,
        kinds=filters.kinds or None,
        categories=filters.categories or None,
        hub=filters.hub,
        among=asking.among,
        without=asking.without,
        members_parts=asking.members_parts,
        own_parts=asking.own_parts,
        liked=asking.liked,
        partnerships=filters.partnerships,
        diverse=filters.diverse,
        full=filters.full,
    )
    return await asyncio.to_thread(index.suggest, asking.organisation.id, wanted)


async def partners(
    session: AsyncSession, asking: Asking, found: Sequence[Suggestion], language: Language
) -> list[Partner]:
    """The suggestions with names, texts and a sentence, as far as they still hold."""
    mine = asking.organisation
    own = {each["id"]: each for each in readable([*mine.offers, *mine.needs], members_parts=asking.own_parts)}
    seen = await see_all(session, found, own, members_parts=asking.members_parts)
    return [
        Partner(other, suggestion, told, explain(other.name, told, language), asking.answers.get(other.id))
        for other, suggestion, told in seen
    ]


Seen = tuple[Organisation, Suggestion, tuple[Told, ...]]


async def see_all(
    session: AsyncSession, found: Sequence[Suggestion], own: Mapping[str, dict[str, Any]], *, members_parts: bool
) -> list[Seen]:
    """The suggestions with whom and what they speak of."""
    spoken_of = {reason.like for each in found for reason in each.reasons if reason.like is not None}
    organisations = await published(session, {each.profile_id for each in found} | spoken_of)
    seen = []
    for each in found:
        other = organisations.get(each.profile_id)
        if other is not None:
            theirs = readable([*other.offers, *other.needs], members_parts=members_parts)
            texts = {**own, **{one["id"]: one for one in theirs}}
            told = [_tell(reason, texts, organisations) for reason in each.reasons]
            seen.append((other, *_as_it_stands(each, [one for one in told if one is not None])))
    return seen


async def published(session: AsyncSession, ids: Iterable[UUID]) -> dict[UUID, Organisation]:
    """Those of the organisations that are published now: one may have gone since it was ranked."""
    statement = select(Organisation).where(col(Organisation.id).in_(list(ids)), col(Organisation.published))
    return {each.id: each for each in await session.exec(statement)}


def _tell(
    reason: Reason, texts: Mapping[str, dict[str, Any]], organisations: Mapping[UUID, Organisation]
) -> Told | None:
    """The reason with what it speaks of; None when that has been changed since."""
    need, offer = texts.get(reason.need_id or ""), texts.get(reason.offer_id or "")
    like = organisations.get(reason.like) if reason.like is not None else None
    if (reason.need_id and need is None) or (reason.offer_id and offer is None) or (reason.like and like is None):
        return None
    return Told(reason, need, offer, like.name if like is not None else None)


def _as_it_stands(suggestion: Suggestion, told: Sequence[Told]) -> tuple[Suggestion, tuple[Told, ...]]:
    """Without a reason that no longer holds, and without its share."""
    if len(told) == len(suggestion.reasons):
        return suggestion, tuple(told)
    parts = dict.fromkeys(_PART.values(), 0.0)
    for each in told:
        parts[_PART[each.reason.ground]] += each.reason.share
    reasons = tuple(each.reason for each in told)
    return Suggestion(suggestion.profile_id, sum(parts.values()), Fit(**parts), reasons), tuple(told)


_PART = {
    Ground.THEIR_OFFER: "their_offers_my_needs",
    Ground.MY_OFFER: "my_offers_their_needs",
    Ground.TEXT: "common_ground",
    Ground.SECTORS: "common_ground",
    Ground.FOCUS_AREAS: "common_ground",
    Ground.ALIKE: "alike",
    Ground.PARTNERSHIPS: "partnerships",
}


async def why_introduced(
    session: AsyncSession, index: Index, asks_id: UUID, asked_id: UUID
) -> dict[Language, str] | None:
    """Why two organisations should meet, in both languages, for readers of either side; None when nothing ties them."""
    both = await find_now(session, (asks_id, asked_id))
    if len(both) < 2:
        return None
    asks, asked = both[asks_id], both[asked_id]
    members_parts = asks.published and asked.published
    among = frozenset((asked.id,))
    wanted = Wanted(limit=1, among=among, members_parts=members_parts, own_parts=members_parts)
    found = await asyncio.to_thread(index.suggest, asks.id, wanted)
    own = {each["id"]: each for each in readable([*asks.offers, *asks.needs], members_parts=members_parts)}
    seen = await see_all(session, found, own, members_parts=members_parts)
    if not seen:
        return None
    told = seen[0][2]
    written = {code: explain_to_both(asks.name, asked.name, told, asks.id, code) for code in LANGUAGES}
    return {code: text for code, text in written.items() if text} or None
