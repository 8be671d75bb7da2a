"""The embedded stack starts in order, says clearly what is wrong, and leaves nothing behind."""

import fcntl
import os
import signal
import smtplib
import socket
import struct
import termios
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.deploy.stack_process import StackProcess, wait_until
from tests.support.processes import is_alive

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


@pytest.mark.parametrize("part", ["nats", "events"])
def test_when_a_part_is_killed_the_stack_says_so_and_stops(stack: StackProcess, part: str) -> None:
    processes = stack.processes
    os.kill(processes[part], signal.SIGKILL)
    assert stack.ended() == 1
    assert f"{part} ended by itself with -9" in stack.said
    assert not [name for name, pid in processes.items() if is_alive(pid)]


@pytest.mark.parametrize("part", ["nats", "events"])
def test_a_stop_signal_right_after_a_part_was_killed_ends_the_stack(stack: StackProcess, part: str) -> None:
    processes = stack.processes
    os.kill(processes[part], signal.SIGKILL)
    stack.process.send_signal(signal.SIGINT)
    assert stack.ended() in (0, 1)
    assert not [name for name, pid in processes.items() if is_alive(pid)]


def test_a_service_that_ignores_the_signal_is_killed(tmp_path: Path, started: list[StackProcess]) -> None:
    stack = deaf_stack(tmp_path, started, "--grace", "1")
    processes = stack.processes
    stack.process.send_signal(signal.SIGINT)
    assert stack.ended() == 0
    assert "matching did not stop within 1 seconds and is killed" in stack.said
    assert not [name for name, pid in processes.items() if is_alive(pid)]


def test_a_second_stop_signal_waits_for_nobody(tmp_path: Path, started: list[StackProcess]) -> None:
    stack = deaf_stack(tmp_path, started, "--grace", "600", "--last", "900")
    processes = stack.processes
    stack.process.send_signal(signal.SIGINT)
    wait_until(lambda: "events stopped" in stack.notes())
    stack.process.send_signal(signal.SIGINT)
    assert stack.ended() == 128 + signal.SIGINT
    wait_until(lambda: not [name for name, pid in processes.items() if is_alive(pid)])


def test_after_its_last_deadline_the_stack_ends_in_any_case(tmp_path: Path, started: list[StackProcess]) -> None:
    stack = deaf_stack(tmp_path, started, "--grace", "600", "--last", "3")
    processes = stack.processes
    stack.process.send_signal(signal.SIGINT)
    assert stack.ended() == 128 + signal.SIGALRM
    wait_until(lambda: not [name for name, pid in processes.items() if is_alive(pid)])


def is_full(pipe: IO[bytes]) -> bool:
    """Whether it takes no more, but for a line or two."""
    (waiting,) = struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))
    return bool(waiting > fcntl.fcntl(pipe, fcntl.F_GETPIPE_SZ) - 2_000)


def deaf_stack(folder: Path, started: list[StackProcess], *words: str) -> StackProcess:
    """One of whose services does not hear that it is to stop."""
    started.append(StackProcess(folder, FAKES, *words).until_said("welcome"))
    urllib.request.urlopen(started[0].addresses["matching"] + "/deaf")  # noqa: S310
    return started[0]


def test_a_second_stop_signal_ends_a_supervisor_that_hangs(tmp_path: Path, started: list[StackProcess]) -> None:
    """As in a terminal held by Ctrl-S: nobody reads what it prints, so it cannot go on."""
    read_end, write_end = os.pipe()
    with os.fdopen(read_end, "rb") as reading, os.fdopen(write_end, "wb") as writing:
        stack = StackProcess(tmp_path, FAKES, stdout=writing)
        started.append(stack)
        for line in reading:
            if b"welcome" in line:
                break
        processes = stack.processes
        urllib.request.urlopen(stack.addresses["matching"] + "/livez")  # noqa: S310
        with socket.create_connection(("127.0.0.1", stack.ports["matching"])) as never_answered:
            never_answered.sendall(b"GET /chatter HTTP/1.1\r\nHost: localhost\r\n\r\n")
            wait_until(lambda: is_full(reading))
        stack.process.send_signal(signal.SIGINT)
        stack.process.send_signal(signal.SIGTERM)
        assert stack.ended() in (128 + signal.SIGINT, 128 + signal.SIGTERM)
    wait_until(lambda: not [name for name, pid in processes.items() if is_alive(pid)])


def test_nothing_the_stack_needs_is_lost_to_a_collection(tmp_path: Path, started: list[StackProcess]) -> None:
    started.append(StackProcess(tmp_path, FAKES, "--collect"))
    stack = started[0].until_said("welcome")
    send_mails(stack, 1_000)
    assert len(list((stack.data / "mail").glob("*.eml"))) == 1_000
    for service in stack.ports:
        assert urllib.request.urlopen(stack.addresses[service] + "/readyz").status == 200  # noqa: S310
    processes = stack.processes
    assert [name for name, pid in processes.items() if is_alive(pid)] == list(processes)
    stack.process.send_signal(signal.SIGINT)
    assert stack.ended() == 0
    assert "Task was destroyed" not in stack.said


def send_mails(stack: StackProcess, count: int) -> None:
    with smtplib.SMTP("127.0.0.1", stack.addresses["smtp_port"]) as smtp:
        for number in range(count):
            smtp.sendmail("from@example.org", [f"til{number}@example.org"], b"Subject: Hej\r\n\r\nHej")


def test_nobody_waits_for_what_a_step_left_behind(tmp_path: Path, started: list[StackProcess]) -> None:
    started.append(StackProcess(tmp_path, FAKES, "--migration-leaves-one-behind"))
    assert started[0].ended() == 1
    assert "migrate failed with 4" in started[0].said
    (left_behind,) = (int(note) for note in started[0].notes() if note.isdecimal())
    assert is_alive(left_behind)
    os.kill(left_behind, signal.SIGKILL)


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
