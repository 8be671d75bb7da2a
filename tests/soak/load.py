"""What people do all at once on a running stack: sign up, change, come in at the door, look for partners, follow."""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from uuid import UUID, uuid4

import httpx

from deploy.local.data_folder import DataFolder
from deploy.local.tokens import sign
from shared.access.caller import Role
from shared.database import uuid7
from tests.deploy.stack_process import StackProcess
from tests.faults.sign_ups import ORGANISER, Change, sign_up_body
from tests.faults.writers import Taken, Writers
from tests.soak.minutes import Minute

EVENTS = 10
PLACES = 2_000
AT_ONCE = 8
ANSWERED_WITHIN = 60.0
LONGEST_STAY = 3.0
SEARCHED = ("enzymer til fermentering", "waste heat from production", "laboratorium til prøver", "biogas")


class Load:
    """`rate` actions a second, each drawn by lot; no more than eight at once, so that a slow stack is asked less."""

    def __init__(self, stack: StackProcess, rate: float, seed: int) -> None:
        self._urls, self._folder, self._exported = stack.addresses, DataFolder(stack.data), stack.exported
        self._rate, self._dice = rate, random.Random(seed)
        self._organiser = self._as("organiser", ORGANISER)
        self.writers = Writers(self._urls["events"], self._organiser, seed)
        self._client = httpx.AsyncClient(timeout=ANSWERED_WITHIN)
        self._events: list[UUID] = []
        self._changes: list[tuple[Taken, list[Change]]] = []
        self._numbers = iter(range(10**9))
        self._room = asyncio.Semaphore(AT_ONCE)
        self.minute = Minute()
        self.odd: list[str] = []

    def _as(self, role: Role, email: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {sign(self._folder, email, role, uuid7())}"}

    async def prepare(self) -> None:
        self._events = await self.writers.publish_events(EVENTS, PLACES)

    async def close(self) -> None:
        await self.writers.close()
        await self._client.aclose()

    def summary(self) -> str:
        done = self.writers
        return f"{len(done.taken)} sign-ups, {done.refused} refused, {done.changed} changes, {done.again} asked again"

    def wrong(self) -> list[str]:
        """Every answer that was not as it must be."""
        failed = [f"answered {status}, {times} times" for status, times in self.writers.faults.items()]
        return [*self.odd, *self.writers.odd, *failed]

    async def run(self, until: float) -> None:
        async with asyncio.TaskGroup() as group:
            while time.monotonic() < until:
                await self._room.acquire()
                group.create_task(self._act())
                await asyncio.sleep(self._dice.expovariate(self._rate))

    async def _act(self) -> None:
        (action,) = self._dice.choices(list(ACTIONS), weights=list(ACTIONS.values()))
        try:
            await action(self)
        except httpx.TransportError as failed:
            self.odd.append(f"{action.__name__}: {type(failed).__name__} {failed}")
        finally:
            self._room.release()

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.minute.seconds.append(time.monotonic() - began)

    # --- writing --------------------------------------------------------------------------------------------------

    async def sign_up(self) -> None:
        number = next(self._numbers)
        event = number % EVENTS
        with self._timed():
            await self.writers.sign_up_once((self._events[event], sign_up_body(number, event, self._dice)))

    async def change(self) -> None:
        """Of the youngest not yet asked, so that each registration is changed as planned, and once."""
        if not self._changes:
            self._changes = self.writers.plan_changes()
        if self._changes:
            taken, changes = self._changes.pop()
            for change in changes:
                with self._timed():
                    await self.writers.change_one_after_the_other((taken, [change]))

    async def check_in(self) -> None:
        if self.writers.taken:
            taken = self._dice.choice(self.writers.taken)
            scan = {"attendee": str(self._dice.choice(taken.attendees)), "nonce": uuid4().hex, "device": "door"}
            await self._ask("POST", f"{self._urls['events']}/v1/events/{taken.event_id}/check-ins", scan)

    # --- reading --------------------------------------------------------------------------------------------------

    async def read(self) -> None:
        events = self._urls["events"]
        attendance = f"{events}/v1/events/{self._dice.choice(self._events)}/attendance"
        await self._ask("GET", self._dice.choice((f"{events}/v1/events", attendance)))

    async def search(self) -> None:
        await self._ask("POST", f"{self._urls['matching']}/v1/search", {"text": self._dice.choice(SEARCHED)})

    async def suggestions(self) -> None:
        member = {"Authorization": f"Bearer {self._exported['MEMBER']}"}
        organisation = f"{self._urls['matching']}/v1/organisations/{self._exported['ORGANISATION']}"
        await self._ask("GET", f"{organisation}/suggestions", headers=member)

    async def follow(self) -> None:
        """Opens an inbox, stays for a while, and leaves in the middle of whatever it does."""
        if not self.writers.taken:
            return
        contact = self._dice.choice(self.writers.taken).body["contact"]["email"]
        address = f"{self._urls['notify']}/v1/inbox/stream"
        asked = self._client.build_request("GET", address, headers=self._as("member", contact))
        with self._timed():
            answer = await self._client.send(asked, stream=True)
        self._judge(answer)
        async with contextlib.aclosing(answer):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._dice.uniform(0, LONGEST_STAY)):
                    async for _ in answer.aiter_lines():
                        pass

    async def _ask(self, method: str, address: str, body: object = None, headers: dict[str, str] | None = None) -> None:
        with self._timed():
            answer = await self._client.request(method, address, json=body, headers=headers or self._organiser)
        self._judge(answer)

    def _judge(self, answer: httpx.Response) -> None:
        if answer.status_code != httpx.codes.OK:
            self.odd.append(f"{answer.request.method} {answer.request.url.path}: {answer.status_code}")


# By how often, of a hundred.
ACTIONS: dict[Callable[[Load], Awaitable[None]], int] = {
    Load.sign_up: 35,
    Load.change: 15,
    Load.check_in: 12,
    Load.read: 13,
    Load.search: 7,
    Load.suggestions: 8,
    Load.follow: 10,
}
