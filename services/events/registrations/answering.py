"""Sign-ups answered together, each once: the batch that decides them also remembers what was answered."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel.ext.asyncio.session import AsyncSession

from services.events.capacity.seats import EventSeats, lock_free_seats, lock_seats
from services.events.registrations.deciding import AskedSignUp, SignedUp
from services.events.registrations.sign_up import sign_up_all
from shared.access.links import Links
from shared.database import Database
from shared.idempotency import Kept, KeyReused, Repeatable, recall, remember
from shared.problems import Problem
from shared.together import Later, Together


@dataclass(frozen=True, slots=True)
class AskedOnce:
    """A sign-up, and the request by which it is recognised when it comes again."""

    asked: AskedSignUp
    repeatable: Repeatable | None


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it goes over the wire; `again` when it was given before."""

    kept: Kept
    again: bool = False


SignUps = Together[AskedOnce, Answered]


def sign_ups(database: Database, links: Links, write: Callable[[SignedUp], bytes]) -> SignUps:
    """The one queue of this process; `write` makes the body of an answer."""

    async def decide(
        session: AsyncSession, batch: list[AskedOnce], waits: bool
    ) -> Sequence[Answered | Problem | Later]:
        # Before the keys are claimed: whoever waits for a lock holds nothing that others may want.
        seats, held = await _lock(session, {each.asked.event_id for each in batch}, waits=waits)
        free = [each for each in batch if each.asked.event_id not in held]
        answers = iter(await _answer_all(session, links, write, free, seats) if free else [])
        return [Later.LATER if each.asked.event_id in held else next(answers) for each in batch]

    return Together(database, decide, lambda each: each.asked.event_id)


async def _lock(
    session: AsyncSession, event_ids: set[UUID], *, waits: bool
) -> tuple[dict[UUID, EventSeats], frozenset[UUID]]:
    if waits:
        return await lock_seats(session, event_ids), frozenset()
    return await lock_free_seats(session, event_ids)


async def _answer_all(
    session: AsyncSession,
    links: Links,
    write: Callable[[SignedUp], bytes],
    batch: Sequence[AskedOnce],
    seats: dict[UUID, EventSeats],
) -> list[Answered | Problem]:
    first = {each.repeatable.place: each for each in reversed(batch) if each.repeatable}
    before = await recall(session, links, [each.repeatable for each in first.values() if each.repeatable])
    fresh = [
        each
        for each in batch
        if each.repeatable is None or (first[each.repeatable.place] is each and each.repeatable.place not in before)
    ]
    decided = await sign_up_all(session, links, [each.asked for each in fresh], seats)
    outcomes = {
        id(each): outcome if isinstance(outcome, Problem) else Kept(201, write(outcome))
        for each, outcome in zip(fresh, decided, strict=True)
    }
    await remember(
        session,
        links,
        [
            (each.repeatable, outcome if isinstance(outcome := outcomes[id(each)], Kept) else None)
            for each in fresh
            if each.repeatable
        ],
    )
    return [_answer(each, first, before, outcomes) for each in batch]


def _answer(
    each: AskedOnce,
    first: dict[tuple[str, str], AskedOnce],
    before: dict[tuple[str, str], Kept | KeyReused],
    outcomes: dict[int, Kept | Problem],
) -> Answered | Problem:
    if id(each) in outcomes:
        outcome = outcomes[id(each)]
        return Answered(outcome) if isinstance(outcome, Kept) else outcome
    assert each.repeatable is not None
    earlier = before.get(each.repeatable.place) or _of_this_batch(
        each.repeatable, first[each.repeatable.place], outcomes
    )
    return Answered(earlier, again=True) if isinstance(earlier, Kept) else earlier


def _of_this_batch(
    repeatable: Repeatable, asked_first: AskedOnce, outcomes: dict[int, Kept | Problem]
) -> Kept | Problem:
    """The same key twice in one batch: the second hears what the first hears."""
    if asked_first.repeatable != repeatable:
        return KeyReused("Use a new key for a new request, or send the first body again.")
    return outcomes[id(asked_first)]
