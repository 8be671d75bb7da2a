"""`dev.py` lists itself, says clearly what is wrong, and repairs an installation that broke off."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

import dev


def asked(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "dev.py", *arguments], cwd=dev.ROOT, capture_output=True, text=True)


def test_without_a_command_it_lists_each_with_a_line() -> None:
    listed = asked().stdout.splitlines()[2:]
    assert [line.split()[0] for line in listed] == list(dev.COMMANDS)
    assert all(len(line.split()) > 3 for line in listed)


def test_an_unknown_command_is_named_and_the_known_ones_are_shown() -> None:
    answer = asked("start")
    assert answer.returncode == 2
    assert "there is no command 'start'" in answer.stderr
    assert "  up " in answer.stderr


def test_an_older_python_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer"):
        dev.main([])


def test_without_ensurepip_the_package_to_install_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    new_home(monkeypatch, tmp_path)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="apt-get install python3-venv"):
        dev.install("run")


def test_an_installation_is_made_once_and_again_after_it_broke_off(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    new_home(monkeypatch, tmp_path)
    done: list[tuple[str, ...]] = []
    monkeypatch.setattr(dev, "make_venv", lambda: (tmp_path / ".venv").mkdir(exist_ok=True))
    monkeypatch.setattr(dev, "venv_fits", lambda: True)
    monkeypatch.setattr(dev, "install_uv", lambda: None)
    monkeypatch.setattr(dev, "uv", lambda *words: done.append(words))
    dev.install("dev")
    made = len(done)
    dev.install("run")
    assert len(done) == made, "the dev lock holds the run lock"

    def break_off(*words: str) -> None:
        raise KeyboardInterrupt

    (tmp_path / "pyproject.toml").write_text("changed")
    monkeypatch.setattr(dev, "uv", break_off)
    with pytest.raises(KeyboardInterrupt):
        dev.install("dev")
    monkeypatch.setattr(dev, "uv", lambda *words: done.append(words))
    dev.install("dev")
    assert len(done) == 2 * made


def new_home(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A project folder of its own, with nothing installed yet."""
    monkeypatch.setattr(dev, "ROOT", folder)
    monkeypatch.setattr(dev, "VENV", folder / ".venv")
    monkeypatch.setattr(dev, "PYTHON", folder / ".venv" / "bin" / "python")
    monkeypatch.setattr(dev, "MARKER", folder / ".venv" / "installed.json")
    (folder / "pyproject.toml").write_text("")


def pins(path: Path) -> set[str]:
    lines = path.read_text().splitlines()
    return {line.rstrip(" \\") for line in lines if line and not line.startswith((" ", "#"))}


IMAGE_LOCKS = [dev.ROOT / "deploy" / "requirements" / f"{service}.txt" for service in dev.IMAGES]


@pytest.mark.parametrize("path", [*dev.LOCKS.values(), *IMAGE_LOCKS], ids=lambda path: path.name)
def test_a_lock_pins_and_hashes_everything_and_names_no_address(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert "find-links" not in text
    assert pins(path)
    assert all("==" in pin for pin in pins(path))
    assert all(f"{pin} \\\n    --hash=sha256:" in text for pin in pins(path))


def test_the_locks_agree() -> None:
    run = pins(dev.LOCKS["run"])
    assert run <= pins(dev.LOCKS["dev"])
    assert all(pins(path) <= run for path in IMAGE_LOCKS)
