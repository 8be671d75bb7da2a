"""What is held here of an organisation, beside its profile, as its own people may have it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions import seen
from services.matching.introductions.seen import Seen
from services.matching.organisations import members
from services.matching.organisations.sight import Sight
from services.matching.tables import Answer, Claim, Event, Going, IssuedKey, Member, Organisation
from services.matching.ways_in.keys import keys_of
from shared.access.caller import Caller

AT_A_TIME = 100


@dataclass(frozen=True, slots=True)
class Holdings:
    """`going` to events that we know; `introductions` as its members see them, whoever asks for the export."""

    members: Sequence[Member]
    claims: Sequence[Claim]
    answers: Sequence[Answer]
    introductions: Sequence[Seen]
    going: Sequence[tuple[Going, Event]]
    api_keys: Sequence[IssuedKey]


async def of(session: AsyncSession, organisation: Organisation) -> Holdings:
    claims = select(Claim).where(Claim.organisation_id == organisation.id).order_by(col(Claim.id))
    answers = select(Answer).where(Answer.organisation_id == organisation.id).order_by(col(Answer.other_id))
    going = (
        select(Going, Event)
        .join(Event, col(Event.id) == Going.event_id)
        .where(Going.organisation_id == organisation.id)
        .order_by(col(Going.registration_id))
    )
    return Holdings(
        await members.list_members(session, organisation.id),
        (await session.exec(claims)).all(),
        (await session.exec(answers)).all(),
        await _introductions(session, organisation),
        (await session.exec(going)).all(),
        await keys_of(session, organisation.id),
    )


async def _introductions(session: AsyncSession, organisation: Organisation) -> list[Seen]:
    """Not as the secretariat sees them: what the other side declined, it may not learn."""
    as_member = Caller(roles=frozenset({"member"}), organisations=frozenset({organisation.id}))
    sight = Sight(as_member, {organisation.id: organisation})
    found: list[Seen] = []
    more = True
    while more:
        after = found[-1].introduction.id if found else None
        some = await seen.list_seen(session, sight, after=after, most=AT_A_TIME)
        found += some
        more = len(some) == AT_A_TIME
    return found
