"""A PostgreSQL cluster of our own for tests, benches and faults: its own folder, socket and port."""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deploy.local.processes import dies_with

SUPERUSER = "videnbro"
STARTS_WITHIN_SECONDS = 60.0
STOPS_WITHIN_SECONDS = 30.0
# Survives a kill, as what was committed is then with the kernel; a power cut it would not survive.
KILL_SAFE = ("fsync=off", "full_page_writes=off")
UNSAFE_BUT_FAST = (*KILL_SAFE, "synchronous_commit=off")


def postgres_binaries() -> Path | None:
    """Debian keeps them off PATH, one folder per version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("postgres")
    folders = [Path(on_path).resolve().parent] if on_path else folders
    return next((folder for folder in reversed(folders) if (folder / "initdb").exists()), None)


class PostgresCluster:
    """`durable=False` gives up crash safety for speed: right for tests of rules, not for benches and faults.

    Start it from a thread that lives as long as it is wanted: the server dies with that thread.
    """

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        binaries = postgres_binaries()
        if binaries is None:
            raise FileNotFoundError("PostgreSQL's binaries: neither in /usr/lib/postgresql/*/bin nor on PATH")
        self.binaries = binaries
        self.folder = folder
        self.data = folder / "data"
        self.options: tuple[str, ...] = () if durable else UNSAFE_BUT_FAST
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """initdb; it refuses root, so root hands the folder to the account `postgres`."""
        if os.geteuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
        options = [
            "--auth",
            "trust",
            "--username",
            SUPERUSER,
            "--encoding",
            "UTF8",
            "--locale",
            "C.UTF-8",
            "--no-sync",
        ]
        self._run("initdb", "--pgdata", str(self.data), *options)

    def start(self) -> None:
        """Keeps its port from the first start on, so that clients find it again after a kill."""
        self.port = self.port or free_port()
        settings = ["listen_addresses=127.0.0.1", "max_connections=200", *self.options]
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while True:
            self.process = self._launch(*(part for setting in settings for part in ("-c", setting)))
            if self._answers(deadline):
                return
            if time.monotonic() > deadline:
                raise RuntimeError("PostgreSQL did not start:\n" + (self.folder / "server.log").read_text())
            # After a kill the old backends may still hold the shared memory for a moment.
            time.sleep(0.2)

    def _launch(self, *settings: str) -> subprocess.Popen[bytes]:
        with (self.folder / "server.log").open("ab") as log:
            return subprocess.Popen(
                [
                    self.binaries / "postgres",
                    "-D",
                    self.data,
                    "-k",
                    self.folder,
                    "-p",
                    str(self.port),
                    *settings,
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=dies_with(os.getpid(), signal.SIGQUIT),
                **self._as_its_account(),
            )

    def _answers(self, deadline: float) -> bool:
        """Whether the process started last answers, and is the one that answers."""
        assert self.process is not None
        while self.process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.CalledProcessError):
                return self.query("show data_directory") == str(self.data)
            time.sleep(0.05)
        return False

    def query(self, statement: str, database: str = "postgres") -> str:
        """What psql prints for one statement, over TCP as the services come."""
        where = ["--host", "127.0.0.1", "--port", str(self.port), "--username", SUPERUSER]
        return self._run("psql", *where, "--no-psqlrc", "-At", "--dbname", database, "--command", statement).strip()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Make it and answer its URL; with `template` it begins as a copy of another."""
        self.query(f'create database "{name}" template "{template}"')
        return self.url(name)

    def drop_database(self, name: str) -> None:
        self.query(f'drop database if exists "{name}" with (force)')

    def stop(self) -> None:
        """Fast shutdown: open connections are cut, what was committed is kept."""
        self._end(signal.SIGINT)

    def abandon(self) -> None:
        """Immediate shutdown: nobody wants what it kept."""
        self._end(signal.SIGQUIT)

    def kill(self) -> None:
        """SIGKILL of the postmaster, as a crash would be; its backends notice and follow."""
        self._end(signal.SIGKILL)

    def signal_all(self, number: signal.Signals) -> None:
        """To the postmaster and every backend: after SIGSTOP it takes connections and says nothing."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        for pid in (self.process.pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            try:
                self.process.wait(STOPS_WITHIN_SECONDS)
            except subprocess.TimeoutExpired:
                # Asked to stop while it recovers from a crash, it may wait for itself for ever.
                self.process.kill()
                self.process.wait()
            self.process = None

    def _run(self, program: str, *arguments: str) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self.binaries / program, *arguments],
            check=True,
            capture_output=True,
            text=True,
            cwd=self.folder,
            **self._as_its_account(),
        )
        return done.stdout

    def _as_its_account(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        return {"user": "postgres", "group": "postgres", "extra_groups": []}


def free_port() -> int:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port: int = trial.getsockname()[1]
        return port


@contextlib.contextmanager
def running_postgres(*, durable: bool = False, options: tuple[str, ...] | None = None) -> Iterator[PostgresCluster]:
    """A cluster in a folder of its own, started, and gone afterwards with all it kept."""
    with tempfile.TemporaryDirectory(prefix="videnbro-pg-", ignore_cleanup_errors=True) as folder:
        cluster = PostgresCluster(Path(folder), durable=durable)
        cluster.options = cluster.options if options is None else options
        cluster.initialise()
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.abandon()
