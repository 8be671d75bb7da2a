"""Tests hold on any day and at any pace: what would not is read from their code, for a quiet machine never shows it."""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FILES = {str(path.relative_to(TESTS)): ast.parse(path.read_text()) for path in sorted(TESTS.rglob("*.py"))}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

# A day before this year is over under every clock: what a test says of it holds for good.
FIRST_YEAR_TO_COME = 2026
YEAR = re.compile(r"(?<![\w-])20\d\d(?=-\d\d|[01]\d[0-3]\d(?!\d)|(?![\w-]))")
CLOCKS = {"datetime.now", "date.today", "time.time", "utc_now", "tokens.sign"}
STOPWATCHES = {"time.monotonic", "time.perf_counter", "time.process_time", "time.time"}
BOUND = re.compile("within|timeout|_seconds$", re.IGNORECASE)
UNTOLD = re.compile(r"^httpx\.(AsyncClient|Client|get|post|put|patch|delete)$|\.jetstream$")
LONGEST_MOMENT = 1.0
SHORTEST_BOUND = 30.0

# Bounds that may be short, and why; and who may sleep and look at a clock: loops that look again, and loads.
SHORT = {
    "events/test_one_slow_event.py": "a lock that is not had is given up soon",
    "shared/test_trouble.py": "a lock that is not had is given up soon, as is a statement that takes long",
    "deploy/test_bus_permissions.py": "a service that may not ask is not answered",
    "deploy/test_supervisor.py": "who talks to nobody is stuck, and does not answer",
    "messaging/test_streams.py": "a service that may not ask is not answered",
    "faults/controls.py": "what is sabotaged does not come to rest",
    "faults/parts.py": "it is looked again",
    "faults/stillness.py": "it is looked again",
    "faults/system.py": "it is tried again",
    "faults/writers.py": "it is asked again",
    "support/served.py": "it is asked again",
}
WAITING = re.compile(r"(support|faults|soak)/|journeys/(pictures|readme)\.py|deploy/(stack_process|fake_\w+)\.py")


def called(tree: ast.AST) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


def days_to_come(tree: ast.AST) -> Iterator[str]:
    """Written as text, or as the first argument of a date."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from (found for found in YEAR.findall(node.value) if int(found) >= FIRST_YEAR_TO_COME)
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("datetime", "date"):
            year = node.args[0] if node.args else None
            if isinstance(year, ast.Constant) and isinstance(year.value, int) and year.value >= FIRST_YEAR_TO_COME:
                yield ast.unparse(node)


@cache
def readers_of_the_clock() -> set[str]:
    """Whatever reads it, and the tests' functions that call such a one, however far away."""
    functions = [each for tree in FILES.values() for each in ast.walk(tree) if isinstance(each, FUNCTIONS)]
    calls = [(each.name, called(each)) for each in functions]
    known: set[str] = set()
    more = CLOCKS
    while not more <= known:
        known |= more
        more = {name for name, inner in calls if inner & known}
    return known


def clock_read_before_the_test(tree: ast.AST) -> Iterator[str]:
    """When the module is read, or in a fixture that tests share."""
    readers = readers_of_the_clock()
    for part in _run_before(tree):
        yield from sorted(called(part) & readers)


def _run_before(tree: ast.AST) -> Iterator[ast.AST]:
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.ClassDef):
            yield from _run_before(child)
        elif isinstance(child, FUNCTIONS):
            yield from [*child.decorator_list, child.args]
            if any("scope=" in ast.unparse(each) for each in child.decorator_list):
                yield child
        else:
            yield child


def short_bounds(tree: ast.AST) -> Iterator[str]:
    for name, value in _named_values(tree):
        number = value.value if isinstance(value, ast.Constant) else None
        if BOUND.search(name) and isinstance(number, int | float) and 0 < number < SHORTEST_BOUND:
            yield f"{name}={number}"
    yield from (ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Call) and _of_five_seconds(node))


def _of_five_seconds(call: ast.Call) -> bool:
    """As httpx and nats-py have it when they are told nothing; an application in this process has no such bound."""
    told = {each.arg for each in call.keywords}
    return bool(UNTOLD.search(ast.unparse(call.func))) and not told & {"timeout", "transport"}


def _named_values(tree: ast.AST) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword):
            yield node.arg or "", node.value
        elif isinstance(node, ast.arguments):
            yield from zip((each.arg for each in reversed(node.args)), reversed(node.defaults), strict=False)
            yield from ((each.arg, value) for each, value in zip(node.kwonlyargs, node.kw_defaults, strict=True))
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), node.value
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "asyncio.timeout":
            yield "timeout", node.args[0]


def waits_for_nothing(tree: ast.AST) -> Iterator[str]:
    """Sleeps, but for a turn of the event loop; and moments too long to be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("asyncio.sleep", "time.sleep", "a_moment"):
            told = node.args[0] if node.args else None
            seconds = told.value if isinstance(told, ast.Constant) else None
            is_moment = ast.unparse(node.func) == "a_moment"
            if (isinstance(seconds, int | float) and seconds > LONGEST_MOMENT) or not (is_moment or seconds == 0):
                yield ast.unparse(node)


def stopwatches(tree: ast.AST) -> Iterator[str]:
    yield from sorted(called(tree) & STOPWATCHES)


Rule = Callable[[ast.AST], Iterator[str]]
RULES: dict[Rule, Callable[[str], bool]] = {
    days_to_come: lambda _: True,
    clock_read_before_the_test: lambda _: True,
    short_bounds: lambda file: file not in SHORT,
    waits_for_nothing: lambda file: not WAITING.match(file),
    stopwatches: lambda file: not WAITING.match(file),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_no_test_has(rule: Rule) -> None:
    assert {file: found for file, tree in FILES.items() if RULES[rule](file) and (found := list(rule(tree)))} == {}


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (days_to_come, "'the {}-12-18'"),
        (days_to_come, "'{}0517T0900'"),
        (days_to_come, "f'fredag den 17. maj {} kl. {{hour}}'"),
        (days_to_come, "datetime({}, 5, 17)"),
        (clock_read_before_the_test, "NOW = datetime.now(UTC)"),
        (clock_read_before_the_test, "WRONG = {{'ends_at': in_days(27)}}"),
        (clock_read_before_the_test, "@pytest.mark.parametrize('token', [tokens.sign()])\ndef test(token): ..."),
        (clock_read_before_the_test, "@pytest.fixture(scope='module')\ndef event(): return ceremony()"),
        (clock_read_before_the_test, "def test(now=utc_now()): ..."),
        (short_bounds, "eventually(look, within=5)"),
        (short_bounds, "def eventually(look, within=10): ..."),
        (short_bounds, "STOPS_WITHIN = 20.0"),
        (short_bounds, "async def test():\n async with asyncio.timeout(5): ..."),
        (short_bounds, "httpx.get(address)"),
        (short_bounds, "(await server.connect('events')).jetstream()"),
        (waits_for_nothing, "await asyncio.sleep(0.3)"),
        (waits_for_nothing, "await a_moment(60)"),
        (stopwatches, "assert time.monotonic() - begun < 2"),
    ],
)
def test_and_would_be_found(rule: Rule, code: str) -> None:
    assert list(rule(ast.parse(code.format(FIRST_YEAR_TO_COME + 5))))
