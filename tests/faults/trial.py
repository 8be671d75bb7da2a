"""One trial: the system under load, its parts killed, then everything compared with what was answered."""

import asyncio
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.tokens import sign
from services.notify.mail.sending import MOST_UNDER_WAY
from shared.database import uuid7
from tests.faults.kills import Reaper, plan_kills
from tests.faults.progress import Progress
from tests.faults.records import Records, read_records
from tests.faults.sign_ups import ORGANISER
from tests.faults.stillness import until_still
from tests.faults.system import Dialect, System, running_system
from tests.faults.verdict import Fault, Kind, faults_in
from tests.faults.writers import Writers

# In this order: what a killed listener or mailer had in hand comes again after 30 or 60 s, best while there is load.
VICTIMS: dict[Dialect, tuple[str, ...]] = {
    "sqlite": ("notify", "witness", "nats", "matching", "events", "events"),
    "postgresql": ("postgres", "notify", "witness", "nats", "matching", "events"),
}
# A mail handed over by who dies before noting it is sent again: so many may be under way at once.
WHO_NOTES_MAILS = ("notify", "postgres")
# Of the kills: the rest come while registrations are changed and cancelled.
WHILE_SIGNING_UP = 0.6


@dataclass(frozen=True, slots=True)
class Plan:
    """`still_within`: how long after the load everything may take to come to rest, claims and redeliveries included.

    `at_once`: the first kill strikes when the events have just been told; else all have heard of them before.
    """

    dialect: Dialect
    registrations: int
    events: int
    kills: int
    seed: int = 1
    sabotage: str | None = None
    victims: tuple[str, ...] = ()
    still_within: float = 180.0
    at_once: bool = True

    @property
    def mortal(self) -> tuple[str, ...]:
        return self.victims or VICTIMS[self.dialect]


@dataclass(slots=True)
class Outcome:
    """What was done and what was found wrong."""

    plan: Plan
    faults: list[Fault] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    fallen: list[str] = field(default_factory=list)
    taken: int = 0
    refused: int = 0
    changed: int = 0
    asked_again: int = 0
    promoted: int = 0
    told: int = 0
    mails: int = 0
    mailed_again: int = 0
    load_seconds: float = 0.0
    rest_seconds: float = 0.0

    def count(self, kind: Kind) -> int:
        return sum(1 for found, _ in self.faults if found == kind)


async def run_trial(plan: Plan, folder: Path) -> Outcome:
    """Bounded in requests and time; every process it starts has ended when it returns."""
    outcome = Outcome(plan)
    async with running_system(folder, plan.dialect, plan.sabotage) as system:
        writers = Writers(system.url("events"), _organiser(system), plan.seed)
        reaper = Reaper(system)
        try:
            began = time.monotonic()
            await _load(plan, system, writers, reaper)
            outcome.load_seconds = time.monotonic() - began
            await reaper.all_up()
            under_way = await until_still(system, plan.still_within)
            outcome.rest_seconds = time.monotonic() - began - outcome.load_seconds
        finally:
            await reaper.close()
            await writers.close()
        unwilling = await system.stop_services()
        records = await read_records(system.database_urls(), system.folder.mail)
        _judge(outcome, writers, reaper, records)
        outcome.faults += [("stuck", under_way)] if under_way else []
        outcome.faults += [("stuck", f"{name} did not end when asked to") for name in unwilling]
    return outcome


def _organiser(system: System) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign(system.folder, ORGANISER, 'organiser', uuid7())}"}


async def _load(plan: Plan, system: System, writers: Writers, reaper: Reaper) -> None:
    dice = random.Random(plan.seed)
    early = round(plan.kills * WHILE_SIGNING_UP)
    events = await writers.publish_events(plan.events, plan.registrations)
    if not plan.at_once:
        await until_still(system, plan.still_within)
    signing_up = Progress(plan.registrations)
    victims = [plan.mortal[number % len(plan.mortal)] for number in range(plan.kills)]
    kills = plan_kills(victims[:early], signing_up.total, dice, at_once=plan.at_once)
    async with asyncio.TaskGroup() as together:
        together.create_task(writers.sign_up(events, plan.registrations, signing_up))
        together.create_task(reaper.strike(kills, signing_up))
    changes = writers.plan_changes()
    changing = Progress(len(changes))
    kills = plan_kills(victims[early:], changing.total, dice, at_once=False)
    async with asyncio.TaskGroup() as together:
        together.create_task(writers.change(changes, changing))
        together.create_task(reaper.strike(kills, changing))


def _judge(outcome: Outcome, writers: Writers, reaper: Reaper, records: Records) -> None:
    outcome.faults = faults_in(records, writers.taken)
    outcome.faults += [("lost", f"an odd answer: {words}") for words in writers.odd]
    # Who may ask again is told so by 503; 500 says that something is broken.
    outcome.faults += [("stuck", f"answered {status}, {times} times") for status, times in writers.faults.items()]
    outcome.kills, outcome.fallen = reaper.kills, reaper.fallen
    outcome.taken, outcome.refused = len(writers.taken), writers.refused
    outcome.changed, outcome.asked_again = writers.changed, writers.again
    outcome.told = sum(len(told) for told in records.told.values())
    outcome.mails = records.mails.total()
    outcome.mailed_again = records.mails.total() - len(records.mails)
    outcome.promoted = _promoted(records)
    if outcome.mailed_again > (most := _most_again(outcome)):
        outcome.faults.append(("twice", f"{outcome.mailed_again} mails came again; the kills explain {most}"))


def _most_again(outcome: Outcome) -> int:
    deaths = outcome.kills + Counter(outcome.fallen)
    return MOST_UNDER_WAY * sum(deaths[name] for name in WHO_NOTES_MAILS)


def _promoted(records: Records) -> int:
    return sum(
        change.get("from_status") == "waitlisted" and change["to_status"] == "confirmed"
        for message in records.told["events"]
        for change in message.data.get("changed", ())
        if isinstance(change, dict)
    )
