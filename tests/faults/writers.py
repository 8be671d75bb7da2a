"""Eight writers who ask until they are answered, and remember what they were told."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID, uuid4

import httpx

from tests.faults.progress import Progress
from tests.faults.sign_ups import Body, Change, changes_of, event_body, sign_up_body

WRITERS = 8
ANSWERED_WITHIN = 120.0
PAUSE = 0.1
UNAVAILABLE = 503
Headers = dict[str, str]
Work = TypeVar("Work")


class Unanswered(Exception):
    """Nobody answered for too long: the system did not come back."""


@dataclass(slots=True)
class Taken:
    """A registration that was answered with 201, and what was done to it since."""

    event_id: UUID
    body: Body
    answer: Body
    emails: dict[UUID, str | None] = field(default_factory=dict)
    hand_overs: dict[UUID, int] = field(default_factory=dict)
    cancelled: set[UUID] = field(default_factory=set)

    def __post_init__(self) -> None:
        asked = self.body["attendees"]
        self.emails = {one: each.get("email") for one, each in zip(self.attendees, asked, strict=True)}

    @property
    def id(self) -> UUID:
        return UUID(self.answer["id"])

    @property
    def attendees(self) -> list[UUID]:
        return [UUID(each["id"]) for each in self.answer["attendees"]]

    @property
    def key(self) -> str:
        return str(self.answer["links"]["manage"]).split("key=")[1]

    def note(self, change: Change) -> None:
        self.cancelled |= set(change.cancelled)
        if change.attendee is not None:
            if self.emails[change.attendee]:
                self.hand_overs[change.attendee] = self.hand_overs.get(change.attendee, 0) + 1
            self.emails[change.attendee] = change.body["email"]


class Writers:
    """`taken`, `refused` (for want of seats) and `odd` answers, and how often a request had to be made again."""

    def __init__(self, url: str, organiser: Headers, seed: int) -> None:
        limits = httpx.Limits(max_connections=WRITERS, max_keepalive_connections=WRITERS)
        self._client = httpx.AsyncClient(base_url=url, timeout=15, limits=limits)
        self._organiser, self._dice = organiser, random.Random(seed)
        self.taken: list[Taken] = []
        self.refused = 0
        self.odd: list[str] = []
        self.again, self.changed, self._planned = 0, 0, 0
        self.faults: Counter[int] = Counter()

    async def close(self) -> None:
        await self._client.aclose()

    async def publish_events(self, count: int, registrations: int) -> list[UUID]:
        """Events with room for about half of those who will sign up for them."""
        ids = []
        for number in range(count):
            key = {"Idempotency-Key": uuid4().hex}
            drafted = await self._ask(
                "POST", "/v1/events", event_body(number, registrations // count), self._organiser | key
            )
            ids.append(UUID(drafted.json()["id"]))
        for event in ids:
            await self._ask("POST", f"/v1/events/{event}/publish", None, self._organiser)
        return ids

    # --- signing up -----------------------------------------------------------------------------------------------

    async def sign_up(self, events: Sequence[UUID], count: int, progress: Progress) -> None:
        places = [(number, number % len(events)) for number in range(count)]
        bodies = [(events[event], sign_up_body(number, event, self._dice)) for number, event in places]
        await self._share(bodies, self.sign_up_once, progress)

    async def sign_up_once(self, wanted: tuple[UUID, Body]) -> None:
        event, body = wanted
        answer = await self._ask("POST", f"/v1/events/{event}/registrations", body, {"Idempotency-Key": uuid4().hex})
        if answer.status_code == 201:
            self.taken.append(Taken(event, body, answer.json()))
        elif answer.status_code == 409 and answer.json()["type"].endswith("capacity-reached"):
            self.refused += 1
        else:
            self._say_odd(answer)

    # --- changing -------------------------------------------------------------------------------------------------

    def plan_changes(self) -> list[tuple[Taken, list[Change]]]:
        """Of all registrations that none was planned of before, so that each is changed once."""
        planned = []
        for taken in self.taken[self._planned :]:
            named = {attendee for attendee, email in taken.emails.items() if email}
            if changes := list(changes_of(taken.id, taken.attendees, named, self._dice)):
                planned.append((taken, changes))
        self._planned = len(self.taken)
        self._dice.shuffle(planned)
        return planned

    async def change(self, planned: Sequence[tuple[Taken, list[Change]]], progress: Progress) -> None:
        await self._share(planned, self.change_one_after_the_other, progress)

    async def change_one_after_the_other(self, planned: tuple[Taken, list[Change]]) -> None:
        taken, changes = planned
        for change in changes:
            path = f"{change.path}?key={taken.key}"
            answer = await self._ask(change.method, path, change.body, {"Idempotency-Key": uuid4().hex})
            if answer.status_code == 200:
                taken.note(change)
                self.changed += 1
            else:
                self._say_odd(answer)

    # --- asking ---------------------------------------------------------------------------------------------------

    async def _share(self, work: Sequence[Work], do: Callable[[Work], Awaitable[None]], progress: Progress) -> None:
        """All writers take from one heap, at the pace that the kills allow."""
        heap = iter(work)

        async def write() -> None:
            for each in heap:
                await progress.may_go_on()
                await do(each)
                await progress.step()

        async with asyncio.TaskGroup() as group:
            for _ in range(WRITERS):
                group.create_task(write())

    async def _ask(self, method: str, path: str, body: Body | None, headers: Headers) -> httpx.Response:
        """Asks the same again, with the same key, until there is an answer that is no excuse."""
        deadline = asyncio.get_running_loop().time() + ANSWERED_WITHIN
        while asyncio.get_running_loop().time() < deadline:
            try:
                answer = await self._client.request(
                    method, path, json=body, headers={**headers, "X-Request-ID": uuid4().hex}
                )
            except httpx.TransportError:
                pass
            else:
                if answer.status_code < 500:
                    return answer
                if answer.status_code != UNAVAILABLE:
                    self.faults[answer.status_code] += 1
            self.again += 1
            await asyncio.sleep(PAUSE)
        raise Unanswered(f"{method} {path} was not answered within {ANSWERED_WITHIN:.0f} s")

    def _say_odd(self, answer: httpx.Response) -> None:
        self.odd.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:300]}")
