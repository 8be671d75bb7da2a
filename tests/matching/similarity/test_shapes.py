"""The docstring of a function that takes or gives an array tells its shape."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from services.matching import similarity

HOME = Path(similarity.__file__).parent
ARRAYS = frozenset({"Matrix", "Floats", "Ints", "Longs", "Codes", "Mask", "Names", "Bytes", "ArrayLike", "ndarray"})
SHAPE = re.compile(r"`\([a-z +\d]+,([a-z +\d]+)?\)`|any shape")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> Iterator[tuple[Path, Function]]:
    for path in sorted(HOME.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, Function):
                yield path, node


def annotations(one: Function) -> Iterator[ast.expr]:
    arguments = (*one.args.posonlyargs, *one.args.args, *one.args.kwonlyargs)
    yield from (each.annotation for each in arguments if each.annotation)
    if one.returns:
        yield one.returns


def handles_arrays(one: Function) -> bool:
    named = (node for each in annotations(one) for node in ast.walk(each))
    words = (node.id if isinstance(node, ast.Name) else getattr(node, "attr", "") for node in named)
    return not ARRAYS.isdisjoint(words)


def test_every_function_of_arrays_tells_their_shapes() -> None:
    told = [(path, one) for path, one in functions() if handles_arrays(one)]
    silent = [f"{path.name}: {one.name}" for path, one in told if not SHAPE.search(ast.get_docstring(one) or "")]
    assert told
    assert silent == []
