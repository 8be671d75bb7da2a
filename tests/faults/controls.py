"""Positive controls: the same trial on a system broken on purpose must be found guilty, and of the right thing."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults.sabotage import ACKNOWLEDGED_FIRST, HANDLED_CHECK_OFF, OUTBOX_OFF, TICKETS_OFF
from tests.faults.system import Dialect
from tests.faults.trial import Outcome, Plan, run_trial

ROUNDS = 3
# One could be another's: a machine that was too slow once, for example.
MANY = 2


@dataclass(frozen=True, slots=True)
class Control:
    """What is broken, who must die for it to show, and the words of the fault by which it shows."""

    sabotage: str
    victims: tuple[str, ...]
    shows: str
    still_within: float

    def plan(self, dialect: Dialect, seed: int) -> Plan:
        return Plan(
            dialect,
            registrations=60,
            events=4,
            kills=len(self.victims),
            seed=seed,
            sabotage=self.sabotage,
            victims=self.victims,
            still_within=self.still_within,
            # Else the events themselves are lost, and all that depends on them: a small fault must be seen too.
            at_once=False,
        )

    def convicts(self, outcome: Outcome) -> bool:
        return sum(self.shows in words for _, words in outcome.faults) >= MANY


# What is acknowledged or published too early never comes again, so those need not wait for redelivery.
CONTROLS = (
    Control(OUTBOX_OFF, ("events", "nats", "events"), "in the inbox: 0 times", still_within=15),
    Control(HANDLED_CHECK_OFF, ("witness",) * 6, "had its effect 2 times", still_within=60),
    Control(TICKETS_OFF, (), "letter to deltager", still_within=60),
    Control(ACKNOWLEDGED_FIRST, ("notify", "matching", "notify"), "in the inbox: 0 times", still_within=15),
)


async def run_control(control: Control, dialect: Dialect, folder: Callable[[], Path], seed: int = 1) -> Outcome:
    """The outcome of the first round that convicts, or of the last."""
    for number in range(ROUNDS):
        outcome = await run_trial(control.plan(dialect, seed + number), folder())
        if control.convicts(outcome):
            break
    return outcome
