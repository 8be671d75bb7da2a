"""The embedded stack starts in order, says clearly what is wrong, and leaves nothing behind."""

import os
import signal
import smtplib
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.stack_process import StackProcess, wait_until

FAKES = "tests.deploy.fake_stack"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[StackProcess]]:
    stacks: list[StackProcess] = []
    yield stacks
    for stack in stacks:
        stack.process.kill()
        stack.process.wait()


@pytest.fixture
def stack(tmp_path: Path, started: list[StackProcess]) -> StackProcess:
    started.append(StackProcess(tmp_path, FAKES))
    return started[0].until_said("welcome")


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_services_start_after_migration_and_provisioning_and_all_answer(stack: StackProcess) -> None:
    assert set(stack.notes()[:2]) == {"migrated", "provisioned"}
    assert set(stack.notes()[2:]) == {"events started", "matching started", "notify started"}
    for service in stack.ports:
        assert urllib.request.urlopen(stack.addresses[service] + "/readyz").status == 200  # noqa: S310


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_the_services_before_the_bus_and_leaves_no_process(
    stack: StackProcess, number: signal.Signals
) -> None:
    processes = stack.processes
    stack.process.send_signal(number)
    assert stack.ended() == 0
    assert {note for note in stack.notes() if "stopped" in note} == {f"{name} stopped" for name in stack.ports}
    assert stack.said.index("Initiating Shutdown") > stack.said.rindex("Finished server process")
    assert not [name for name, pid in processes.items() if is_alive(pid)]


def test_a_killed_supervisor_leaves_no_process_behind(stack: StackProcess) -> None:
    processes = stack.processes
    assert all(is_alive(pid) for pid in processes.values())
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not [name for name, pid in processes.items() if is_alive(pid)])


def test_when_a_service_ends_the_stack_says_which_and_stops_the_rest(stack: StackProcess) -> None:
    processes = stack.processes
    with pytest.raises((urllib.error.URLError, ConnectionError)):
        urllib.request.urlopen(stack.addresses["matching"] + "/crash")  # noqa: S310
    assert stack.ended() == 1
    assert "matching ended by itself with 3" in stack.said
    assert not [name for name, pid in processes.items() if is_alive(pid)]


@pytest.mark.parametrize("part", ["nats", "nursery"])
def test_when_what_services_stand_on_is_killed_the_stack_says_so_and_stops(stack: StackProcess, part: str) -> None:
    processes = stack.processes
    os.kill(processes[part], signal.SIGKILL)
    assert stack.ended() == 1
    assert "ended by itself with -9" in stack.said
    assert not [name for name, pid in processes.items() if is_alive(pid)]


def test_a_taken_port_is_named_at_once_with_its_service_and_the_option(
    tmp_path: Path, started: list[StackProcess]
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        started.append(StackProcess(tmp_path, FAKES, "--matching-port", str(port)))
        assert started[0].ended() == 2
    assert f"port {port} for matching is taken; choose another with --matching-port" in started[0].said
    assert not started[0].journal.exists()


def test_a_failed_migration_stops_the_start_and_shows_its_words(tmp_path: Path, started: list[StackProcess]) -> None:
    started.append(StackProcess(tmp_path, FAKES, "--migration-fails"))
    assert started[0].ended() == 1
    assert "no such table" in started[0].said
    assert "migrate failed with 4" in started[0].said


def test_a_second_stack_in_the_same_data_folder_is_refused(
    tmp_path: Path, stack: StackProcess, started: list[StackProcess]
) -> None:
    started.append(StackProcess(tmp_path, FAKES))
    assert started[1].ended() == 2
    assert f"is in use by process {stack.process.pid}" in started[1].said


def test_mail_to_the_sink_becomes_a_file(stack: StackProcess) -> None:
    with smtplib.SMTP("127.0.0.1", stack.addresses["smtp_port"]) as smtp:
        smtp.sendmail("from@example.org", ["til@example.org"], "Subject: Prøve\r\n\r\nHej".encode())
    (kept,) = (stack.data / "mail").glob("*.eml")
    assert kept.read_bytes().startswith(
        b"Return-Path: <from@example.org>\r\nDelivered-To: til@example.org\r\nSubject: "
    )


def test_secrets_stay_over_a_restart_are_private_and_go_to_whom_they_are_for(
    tmp_path: Path, stack: StackProcess, started: list[StackProcess]
) -> None:
    before = secrets_in(stack.data)
    stack.process.terminate()
    stack.ended()
    started.append(StackProcess(tmp_path, FAKES).until_said("welcome"))
    assert secrets_in(stack.data) == before
    assert all(path.stat().st_mode & 0o077 == 0 for path in before)
    assert [path.parent.name for path in before if path.name == "videnbro_jwt_private_key"] == ["matching"]
    assert (stack.data / "nats" / "server.conf").stat().st_mode & 0o077 == 0


def secrets_in(data: Path) -> dict[Path, str]:
    return {path: path.read_text() for path in sorted((data / "secrets").rglob("videnbro_*"))}
