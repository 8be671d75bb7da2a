"""The four checks of `python3 dev.py lint`, as tests, so that one closing line tells of everything."""

import subprocess
import sys
from pathlib import Path

import pytest

import dev

LONGEST_WORDS = 6_000


@pytest.mark.parametrize("check", dev.CHECKS, ids=" ".join)
def test_the_code_passes(check: tuple[str, ...]) -> None:
    program = Path(sys.executable).parent / check[0]
    done = subprocess.run([program, *check[1:]], cwd=dev.ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail((done.stdout + done.stderr)[-LONGEST_WORDS:], pytrace=False)
