"""The whole real system is killed part by part while people sign up; the long form is `python3 dev.py faults`."""

from pathlib import Path

import pytest

from tests.faults.controls import CONTROLS, Control, run_control
from tests.faults.sabotage import ACKNOWLEDGED_FIRST, OUTBOX_OFF
from tests.faults.spoiled import MADE_ANEW, PURGED
from tests.faults.system import Dialect
from tests.faults.trial import Plan, run_trial
from tests.support.missing import missing
from tests.support.postgres import postgres_binaries

pytestmark = pytest.mark.faults

CONTROL_ON = {"sqlite": ACKNOWLEDGED_FIRST, "postgresql": OUTBOX_OFF}


@pytest.fixture(autouse=True)
def _installed(dialect: Dialect) -> None:
    if dialect == "postgresql" and postgres_binaries() is None:
        missing("PostgreSQL")


async def test_nothing_is_lost_and_nothing_done_twice(dialect: Dialect, tmp_path: Path) -> None:
    outcome = await run_trial(Plan(dialect, registrations=200, events=10, kills=6), tmp_path)
    assert outcome.faults == []
    assert outcome.kills.total() == 6
    assert outcome.taken + outcome.refused == 200
    assert outcome.promoted > 0


@pytest.mark.parametrize("dialect", ["sqlite"])
async def test_streams_that_are_emptied_or_made_anew_cost_nobody_a_letter(dialect: Dialect, tmp_path: Path) -> None:
    victims = ("notify", PURGED, MADE_ANEW)
    outcome = await run_trial(Plan(dialect, registrations=60, events=4, kills=3, victims=victims), tmp_path)
    assert outcome.faults == []
    assert outcome.kills == dict.fromkeys(victims, 1)


@pytest.fixture
def control(dialect: Dialect) -> Control:
    return next(each for each in CONTROLS if each.sabotage == CONTROL_ON[dialect])


async def test_a_system_broken_on_purpose_is_found_guilty(dialect: Dialect, control: Control, tmp_path: Path) -> None:
    outcome = await run_control(control, dialect, lambda: tmp_path / str(len(list(tmp_path.iterdir()))))
    assert control.convicts(outcome), outcome.faults
