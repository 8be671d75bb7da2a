"""Schemathesis against each service as a real process: no 5xx, no answer its OpenAPI document does not tell of."""

import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from shared.settings import SERVICES, ServiceName
from tests.support.callers import LINK_SECRET, PRIVATE_KEY, PUBLIC_KEY, as_caller
from tests.support.databases import Databases
from tests.support.served import served

EXAMPLES = "8"
# Its answers do not end; tests/notify listens to them.
STREAM = "/v1/inbox/stream"
# A rule may refuse what the schema lets through (409, 422 across fields); PATCH …/claims reads as that of an
# organisation with the id "claims".
NOT_CHECKED = "unsupported_method,allow_header_conformance,positive_data_acceptance,negative_data_rejection"


@pytest.mark.slow
@pytest.mark.parametrize("service", SERVICES)
async def test_no_answer_is_a_fault_or_undocumented(service: ServiceName, tmp_path: Path) -> None:
    url = await Databases(tmp_path, None).fresh(service)
    settings = {
        "VIDENBRO_DATABASE_URL": url,
        "VIDENBRO_NATS_URL": "nats://127.0.0.1:1",
        "VIDENBRO_JWT_PUBLIC_KEY": PUBLIC_KEY,
        "VIDENBRO_JWT_PRIVATE_KEY": PRIVATE_KEY if service == "matching" else "",
        "VIDENBRO_LINK_SECRET": LINK_SECRET,
        "VIDENBRO_LOG_LEVEL": "error",
    }
    with served(f"services.{service}.app:create_app", "--factory", **settings) as port:
        done = _schemathesis(f"http://127.0.0.1:{port}/openapi/{service}.json")
    assert done.returncode == 0, done.stdout[-12_000:] + done.stderr[-2_000:]


def _schemathesis(document: str) -> subprocess.CompletedProcess[str]:
    caller = as_caller("admin", "organiser", organisation=UUID(int=1), email="sekretariat@example.org")
    return subprocess.run(
        [
            str(Path(sys.executable).with_name("schemathesis")),
            *("run", document, "--header", f"Authorization: {caller['Authorization']}"),
            *("--max-examples", EXAMPLES, "--generation-deterministic", "--phases", "examples,coverage,fuzzing"),
            *("--exclude-path", STREAM),
            *("--exclude-checks", NOT_CHECKED, "--no-color", "--warnings", "off", "--request-timeout", "60"),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
