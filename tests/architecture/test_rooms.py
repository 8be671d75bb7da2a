"""The tree tells what a service does: few files at its top, and rooms of which no two need each other."""

from pathlib import Path

import pytest

from shared.settings import SERVICES
from tests.architecture.graph import graph, imported_by

ROOT = Path(__file__).parents[2]
MOST_AT_THE_TOP = 12
HOUSES = ("shared", "services.matching.similarity", *(f"services.{service}" for service in SERVICES))


@pytest.mark.parametrize("house", HOUSES)
def test_no_two_rooms_import_each_other(house: str) -> None:
    ways = {
        (room_of(house, one), room_of(house, other))
        for one in graph().find_descendants(house)
        for other in imported_by(one)
        if other.startswith(f"{house}.")
    }
    assert {(one, other) for one, other in ways if one < other and (other, one) in ways} == set()


def room_of(house: str, module: str) -> str:
    """The folder or file directly in the house that holds a module."""
    return module.removeprefix(f"{house}.").split(".")[0]


@pytest.mark.parametrize("service", SERVICES)
def test_few_files_stand_at_the_top_of_a_service(service: str) -> None:
    assert len([*(ROOT / "services" / service).glob("*.py")]) <= MOST_AT_THE_TOP


@pytest.mark.parametrize("house", HOUSES)
def test_every_room_says_what_it_holds(house: str) -> None:
    folder = ROOT.joinpath(*house.split("."))
    silent = [path.parent.name for path in folder.glob("*/__init__.py") if '"""' not in path.read_text()]
    assert silent == []
