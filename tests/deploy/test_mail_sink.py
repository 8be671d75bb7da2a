"""The mail sink when its own disk is full: the mail is asked for again later, never refused for good."""

import os
import resource
import smtplib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.processes import dies_with
from tests.support.services import LONG_ENOUGH

LARGEST_FILE = 4096


def small_disk() -> None:
    """What a process may write to one file is bounded by the system, as a full disk would."""
    dies_with(os.getppid())()
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "deploy.local.mail_sink", "--port", "0", "--folder", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, preexec_fn=small_disk)
    assert process.stdout is not None
    yield int(process.stdout.readline().split(":")[1].split()[0])
    process.terminate()
    process.wait(LONG_ENOUGH)


def mail(port: int, text: str) -> tuple[int, bytes]:
    with smtplib.SMTP("127.0.0.1", port, timeout=LONG_ENOUGH) as smtp:
        smtp.ehlo()
        smtp.mail("videnbro@example.org")
        smtp.rcpt("mette@example.org")
        return smtp.data(text)


def test_a_mail_for_which_there_is_no_room_is_asked_for_again_later(port: int, tmp_path: Path) -> None:
    code, reply = mail(port, f"Subject: large\n\n{'x' * 70}\n" * 100)
    assert (code, reply.split()[0]) == (452, b"4.3.1")
    assert list(tmp_path.iterdir()) == []
    assert mail(port, "Subject: small\n\nx\n")[0] == 250
    assert len(list(tmp_path.glob("*.eml"))) == 1
