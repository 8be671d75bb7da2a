"""The event loop holds its tasks weakly: what is started must be held by somebody, or a collection ends it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TASKS = {"create_task", "ensure_future"}
OPENED = {"open_connection", "create_subprocess_exec", "create_subprocess_shell"}
HOLDERS = (ast.Await, ast.Return, ast.Yield, ast.AsyncFor, ast.AsyncWith)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def unheld(source: str) -> list[int]:
    """The lines that start something and let go of it."""
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, Function)]
    return sorted({line for function in functions for line in _unheld_in(function)})


def _unheld_in(function: Function) -> Iterator[int]:
    groups, held = set(_groups(function)), set(_held_names(function))
    for statement in ast.walk(function):
        if isinstance(statement, ast.Expr | ast.Assign) and _starts(statement.value, groups):
            targets = statement.targets if isinstance(statement, ast.Assign) else []
            names = [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            stored = any(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)
            if not stored and not held.intersection(names):
                yield statement.lineno


def _starts(value: ast.expr, groups: set[str]) -> bool:
    """Whether this makes a task, or awaits what opens something; a TaskGroup holds its own."""
    call, wanted = (value.value, OPENED) if isinstance(value, ast.Await) else (value, TASKS)
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute) or call.func.attr not in wanted:
        return False
    return not (isinstance(call.func.value, ast.Name) and call.func.value.id in groups)


def _groups(function: Function) -> Iterator[str]:
    for item in (item for node in ast.walk(function) if isinstance(node, ast.AsyncWith) for item in node.items):
        if ast.unparse(item.context_expr).endswith("TaskGroup()") and isinstance(item.optional_vars, ast.Name):
            yield item.optional_vars.id


def _held_names(function: Function) -> Iterator[str]:
    """What is waited for, given back, or put where it is kept."""
    for node in ast.walk(function):
        keeps = isinstance(node, HOLDERS) or _stores(node) or _adds(node)
        for name in ast.walk(node) if keeps else ():
            if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load):
                yield name.id


def _stores(node: ast.AST) -> bool:
    return isinstance(node, ast.Assign) and any(
        isinstance(each, ast.Attribute | ast.Subscript) for each in node.targets
    )


def _adds(node: ast.AST) -> bool:
    """To a collection of somebody: `self.tasks.add(task)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    return node.func.attr in ("add", "append") and isinstance(node.func.value, ast.Attribute)


FILES = [path for folder in ("services", "shared", "deploy") for path in sorted((ROOT / folder).rglob("*.py"))]


def test_nothing_is_started_and_let_go_of() -> None:
    found = {str(path.relative_to(ROOT)): unheld(path.read_text()) for path in FILES}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "lines",
    [
        "asyncio.create_task(work())",
        "task = asyncio.create_task(work())",
        "task = asyncio.ensure_future(work()); task.add_done_callback(done)",
        "reader, writer = await asyncio.open_connection(sock=sock); writer.close()",
        "_ = loop.create_task(work())",
    ],
)
def test_what_is_let_go_of_is_found(lines: str) -> None:
    assert unheld(f"async def start(self):\n    {lines}") == [2]


@pytest.mark.parametrize(
    "lines",
    [
        "self.task = asyncio.create_task(work())",
        "task = asyncio.create_task(work()); self.tasks.add(task)",
        "task = asyncio.create_task(work()); await asyncio.wait({task})",
        "return asyncio.create_task(work())",
        "self.tasks.append(asyncio.create_task(work()))",
        "await asyncio.create_task(work())",
        "reader, writer = await asyncio.open_connection(host); await reader.read()",
    ],
)
def test_what_somebody_holds_is_let_pass(lines: str) -> None:
    assert unheld(f"async def start(self):\n    {lines}") == []


def test_a_group_holds_its_own() -> None:
    assert unheld("async def start():\n async with asyncio.TaskGroup() as group:\n  group.create_task(work())") == []
