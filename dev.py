#!/usr/bin/env python3
"""The developer's commands. Needs nothing but Python; makes .venv from the hashed lock, then hands over.

The file itself must stay readable for an older Python, so that it can say which one it wants.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, NoReturn  # noqa: UP035 - an older Python must get as far as the check below

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
MARKER = VENV / "installed.json"
LOCKS = {"run": ROOT / "requirements.lock", "dev": ROOT / "requirements-dev.lock"}
IMAGES = ("events", "matching", "notify")
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("lint-imports", "--no-cache"),
)

Command = Callable[[list[str]], int]
COMMANDS: dict[str, Command] = {}


def command(function: Command) -> Command:
    COMMANDS[function.__name__.replace("_", "-")] = function
    return function


# --- the commands -------------------------------------------------------------------------------------------


@command
def up(arguments: list[str]) -> int:
    """start nats-server and the three services; --sample loads the sample, --help names the rest"""
    hand_over("run", "-m", "deploy.local", *arguments)


@command
def test(arguments: list[str]) -> int:
    """lint and the whole test suite; arguments go to pytest"""
    hand_over("dev", "-m", "pytest", *arguments)


@command
def lint(arguments: list[str]) -> int:
    """ruff, mypy and the import contracts"""
    install("dev")
    return max([run_check(*check) for check in CHECKS])


@command
def token(arguments: list[str]) -> int:
    """sign a token for the running stack: --role organiser --org ID --email ADDRESS"""
    hand_over("run", "-m", "deploy.local.tokens", *arguments)


@command
def mail(arguments: list[str]) -> int:
    """list the mails of the local sink; --to ADDRESS, --link TEXT prints the newest link that holds it"""
    hand_over("run", "-m", "deploy.local.mailbox", *arguments)


@command
def secrets(arguments: list[str]) -> int:
    """make the secret files that docker-compose mounts; those that are there stay"""
    hand_over("run", "-m", "deploy.secret_files", *arguments)


@command
def admin_token(arguments: list[str]) -> int:
    """sign a short token for an administrator with an installation's secrets: --email ADDRESS"""
    hand_over("run", "-m", "deploy.admin_token", *arguments)


@command
def migrate(arguments: list[str]) -> int:
    """bring the databases of the data folder to the newest schema"""
    hand_over("run", "-m", "deploy.local.migrate", *arguments)


@command
def retell(arguments: list[str]) -> int:
    """have events and matching tell every row again, for a listener that was restored or has new columns"""
    hand_over("run", "-m", "deploy.local.retell", *arguments)


@command
def provision(arguments: list[str]) -> int:
    """make the streams and consumers on the server that VIDENBRO_NATS_URL names"""
    hand_over("run", "-m", "shared.messaging.provision", *arguments)


@command
def bench(arguments: list[str]) -> int:
    """measure; without a name it lists what can be measured"""
    files = sorted((ROOT / "bench").glob("[a-z]*.py"))
    names = [path.stem for path in files if "__main__" in path.read_text()]
    if arguments and arguments[0] in names:
        hand_over("dev", "-m", f"bench.{arguments[0]}", *arguments[1:])
    print("python3 dev.py bench NAME, where NAME is one of:", *names, sep="\n  ")
    return 2


@command
def faults(arguments: list[str]) -> int:
    """the long fault run: kill every part of the stack under load and count what is left"""
    hand_over("dev", "-m", "tests.faults", *arguments)


@command
def soak(arguments: list[str]) -> int:
    """twenty minutes of mixed load on the embedded stack: memory, descriptors, latency and errors by the minute"""
    hand_over("dev", "-m", "tests.soak", *arguments)


@command
def lock(arguments: list[str]) -> int:
    """make the hashed locks again; --upgrade takes newer versions"""
    install("dev")
    run_set = ("--extra", "embedded", "--group", "build")
    pinned = ("-c", str(LOCKS["run"]))
    compile_lock(LOCKS["run"], *run_set, *arguments)
    compile_lock(LOCKS["dev"], *run_set, "--group", "dev", *pinned, *arguments)
    for service in IMAGES:
        compile_lock(ROOT / "deploy" / "requirements" / f"{service}.txt", "--extra", service, *pinned, *arguments)
    return 0


# --- the virtual environment --------------------------------------------------------------------------------


def install(which: str) -> None:
    """Bring .venv to the lock, `run` or `dev` (which holds `run`); the marker is written last."""
    wanted = {name: fingerprint(name) for name in (["run"] if which == "run" else ["run", "dev"])}
    installed = read_marker()
    if all(installed.get(name) == print_of for name, print_of in wanted.items()):
        return
    say(f"bringing .venv to {LOCKS[which].name}; the first time takes about half a minute")
    make_venv()
    MARKER.unlink(missing_ok=True)
    install_uv()
    uv("pip", "install", "--require-hashes", "-r", str(LOCKS[which]))
    uv("pip", "install", "--no-deps", "--no-build-isolation", "-e", str(ROOT))
    MARKER.write_text(json.dumps(wanted))


def fingerprint(which: str) -> str:
    parts = [LOCKS[which].read_bytes(), (ROOT / "pyproject.toml").read_bytes()]
    parts += [str(sys.version_info[:2]).encode(), str(ROOT).encode()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_marker() -> dict[str, str]:
    if not MARKER.exists() or not venv_fits():
        return {}
    found: dict[str, str] = json.loads(MARKER.read_text())
    return found


def make_venv() -> None:
    if venv_fits():
        return
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit("dev.py: this Python cannot make a virtual environment. On Debian: apt-get install python3-venv")
    shutil.rmtree(VENV, ignore_errors=True)
    call(sys.executable, "-m", "venv", str(VENV))


def venv_fits() -> bool:
    """Whether .venv is there, complete with pip, for this version of Python."""
    settings = VENV / "pyvenv.cfg"
    version = ".".join(map(str, sys.version_info[:2]))
    folder = VENV / "lib" / f"python{version}" / "site-packages" / "pip"
    return settings.exists() and PYTHON.exists() and folder.exists()


def install_uv() -> None:
    """pip checks uv against the lock's own lines, so uv is as pinned and hashed as all the rest."""
    lines = re.search(r"^uv==.*?(?=^\S)", LOCKS["run"].read_text() + "\n.", re.MULTILINE | re.DOTALL)
    if lines is None:
        sys.exit(f"dev.py: {LOCKS['run'].name} does not pin uv; python3 dev.py lock makes it again")
    with tempfile.TemporaryDirectory() as folder:
        pin = Path(folder) / "uv.txt"
        pin.write_text(lines.group())
        call(str(PYTHON), "-m", "pip", "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(pin))


def compile_lock(path: Path, *arguments: str) -> None:
    """Write one lock that holds for every platform and names no registry."""
    options = ("--universal", "--python-version", "3.11", "--generate-hashes", "--no-emit-index-url")
    quiet = ("--no-emit-find-links", "--no-header", "--no-annotate", "--output-file", str(path))
    uv("pip", "compile", "pyproject.toml", *options, *quiet, *arguments)
    if "://" in path.read_text():
        sys.exit(f"dev.py: {path.name} names an address; a lock must hold names, versions and hashes only")


# --- running things -----------------------------------------------------------------------------------------


def hand_over(which: str, *arguments: str) -> NoReturn:
    install(which)
    os.chdir(ROOT)
    os.execv(PYTHON, [str(PYTHON), *arguments])  # noqa: S606 - our own Python, no shell wanted


def uv(*arguments: str) -> None:
    call(str(VENV / "bin" / "uv"), "--quiet", *arguments)


def call(*arguments: str) -> None:
    environment = {**os.environ, "VIRTUAL_ENV": str(VENV)}
    done = subprocess.run(arguments, cwd=ROOT, env=environment)
    if done.returncode:
        sys.exit(f"dev.py: {Path(arguments[0]).name} failed ({done.returncode}): {' '.join(arguments[1:6])} …")


def run_check(program: str, *arguments: str) -> int:
    say(" ".join((program, *arguments)))
    return subprocess.run([VENV / "bin" / program, *arguments], cwd=ROOT).returncode


def say(words: str) -> None:
    print(f"dev.py: {words}", file=sys.stderr, flush=True)


def usage() -> str:
    lines = [f"  {name:<10} {function.__doc__}" for name, function in COMMANDS.items()]
    return "\n".join(["python3 dev.py COMMAND", "", *lines])


def main(arguments: list[str]) -> int:
    if sys.version_info < (3, 11):  # noqa: UP036 - the clear word for whoever starts it with an older one
        sys.exit(f"dev.py: Videnbro needs Python 3.11 or newer; this is {sys.version.split()[0]}")
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] not in COMMANDS:
        print(f"dev.py: there is no command {arguments[0]!r}\n\n{usage()}", file=sys.stderr)
        return 2
    return COMMANDS[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
