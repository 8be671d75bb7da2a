"""The secretariat proposes two organisations to each other; what they answer is in `introductions`."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.introductions.pairs import Pair, kept_texts, lock_pair, new_introduction, settle_proposal
from services.matching.organisations.people import people_of
from services.matching.organisations.sight import find_now
from services.matching.tables import Introduction
from shared.fields import Language, utc_now
from shared.problems import Invalid, Problem


class NotPublished(Problem):
    """`organisations` have not agreed to be seen by others, and the other side would learn of them."""

    status, slug, title = 409, "not-published", "Only organisations that are published can be proposed"


class NobodyToAsk(Problem):
    """`organisations` have named no contact, have no member, and nobody was mailed their link."""

    status, slug, title = 409, "nobody-to-ask", "Nobody is known who could be asked"


async def propose(
    session: AsyncSession,
    first_id: UUID,
    second_id: UUID,
    *,
    message: str | None,
    explanation: dict[Language, str] | None,
    days: int,
) -> tuple[Introduction, bool]:
    """Asks both, and says whether that is new: an introduction of the two that is open or completed stays as it is.

    `days` is how long they may take. Raises Invalid, NotPublished and NobodyToAsk.
    """
    pair = await lock_pair(session, *await _named(session, first_id, second_id))
    if pair.introduction is not None and (pair.is_open or pair.introduction.status == "completed"):
        return pair.introduction, False
    await _require_askable(session, pair)
    until = utc_now() + timedelta(days=days)
    introduction = pair.introduction or new_introduction(pair, until)
    introduction.asked_by, introduction.expires_at, introduction.status = pair.mine.id, until, "requested"
    introduction.requested_at = introduction.proposed_at = utc_now()
    introduction.first_told_at = introduction.told_at = None
    introduction.proposal_message, introduction.explanation = message, kept_texts(explanation)
    session.add(introduction)
    return await settle_proposal(session, replace(pair, introduction=introduction)), True


async def _named(session: AsyncSession, *parties: UUID) -> list[UUID]:
    """The two by their ids now, if they are two."""
    now = await find_now(session, parties)
    for at, party in enumerate(parties):
        if party not in now:
            raise Invalid.field(f"/parties/{at}", "no such organisation")
    if now[parties[0]].id == now[parties[1]].id:
        raise Invalid.field("/parties/1", "an organisation is no partner of itself; name two")
    return [now[party].id for party in parties]


async def _require_askable(session: AsyncSession, pair: Pair) -> None:
    both = (pair.mine, pair.other)
    if hidden := [str(each.id) for each in both if not each.published]:
        raise NotPublished("Ask them to publish their profile first.", organisations=hidden)
    if unknown := [str(each.id) for each in both if not await people_of(session, each)]:
        raise NobodyToAsk("Add a contact or a member to their profile first.", organisations=unknown)
