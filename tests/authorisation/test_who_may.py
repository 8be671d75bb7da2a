"""Every kind of caller asks at every route, is answered as the table says, and told nothing that is another's."""

import pytest
from httpx import Response

from shared.settings import ServiceName
from tests.authorisation.callers import Caller, callers
from tests.authorisation.requests import SENT
from tests.authorisation.rows import CALLERS, LET_IN, Row, route_of
from tests.authorisation.table import ROUTES
from tests.authorisation.worlds import World, make_world, world_to_read
from tests.support.services import Client

LINES = [(service, line, row) for service, rows in ROUTES.items() for line, row in rows.items()]
FORMS = [(service, line, row) for service, line, row in LINES if row.page and line.startswith("POST")]


def named(value: object) -> str:
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("service", "line", "row"), LINES, ids=named)
async def test_who_may(service: ServiceName, line: str, row: Row, client: Client, made: dict[object, World]) -> None:
    """Those to be refused ask first: had one of them changed anything, those who may would find it changed."""
    reads = line.startswith("GET")
    world = await (world_to_read(service, client, line, made) if reads else make_world(service, client, line))
    known, wrong = callers(world.things), []
    for name in sorted(CALLERS, key=lambda caller: row.answer_to(caller) == LET_IN):
        if row.answer_to(name) == LET_IN and ends_what_it_is_about(line):
            world = await make_world(service, client, line)
            known = callers(world.things)
        answer = await ask(client, service, line, world, known[name])
        if not row.agrees(name, answer.status_code):
            wrong.append(f"{name}: {row.answer_to(name)}, but was answered {answer.status_code} {answer.text[:300]}")
        said = f"{answer.headers} {answer.text}"
        if told := world.planted.read_by(name, known[name], line.format(**world.names), said):
            wrong.append(f"{name} was told {told}")
    assert not wrong, "\n".join([line, *wrong])


def ends_what_it_is_about(line: str) -> bool:
    """After it the next caller finds nothing, or holds a link that was replaced."""
    return line.startswith("DELETE") or line.endswith("}/links")


async def ask(
    client: Client, service: ServiceName, line: str, world: World, caller: Caller, *, proven: bool = True
) -> Response:
    method, address = line.format(**world.names).split()
    write = SENT[service].get(route_of(line))
    sent = write(world) if write else {}
    if method == "POST" and "/p/" in address and proven:
        sent["data"] = caller.proven(sent.get("data", {}))
    address, headers = caller.shown_to(address)
    client.cookies.clear()
    # A stream that is asked while the service stops is answered, and ends.
    client.app.state.stopping.set()
    try:
        return await client.request(method, address, **{**sent, "headers": {**headers, **sent.get("headers", {})}})
    finally:
        client.app.state.stopping.clear()


@pytest.mark.parametrize(("service", "line", "row"), FORMS, ids=named)
async def test_no_form_is_taken_without_the_proof_that_our_page_gave_it(
    service: ServiceName, line: str, row: Row, client: Client
) -> None:
    world = await make_world(service, client, line)
    for name, caller in callers(world.things).items():
        if row.answer_to(name) == LET_IN:
            answer = await ask(client, service, line, world, caller, proven=False)
            assert answer.status_code == 403, f"{line} {name}: {answer.status_code}"
