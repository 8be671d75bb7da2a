"""No route without a line in the table, no line without a route."""

import pytest

from shared.access.caller import ROLES
from shared.access.links import Purpose
from shared.settings import SERVICES, ServiceName
from tests.authorisation.callers import Things, callers
from tests.authorisation.routes import application, documented, served
from tests.authorisation.rows import CALLERS, LINKS, OPENING_NOTHING, TOKENS, route_of
from tests.authorisation.table import ROUTES


@pytest.mark.parametrize("service", SERVICES)
def test_the_table_names_every_route_and_no_other(service: ServiceName) -> None:
    app, named = application(service), {route_of(line) for line in ROUTES[service]}
    there = served(app) | documented(app)
    assert sorted(there - named) == [], "routes that no line of the table is about"
    assert sorted(named - there) == [], "lines of the table about no route"


@pytest.mark.parametrize("service", SERVICES)
def test_a_document_names_no_page_and_nothing_of_the_operators(service: ServiceName) -> None:
    app = application(service)
    hidden = served(app) - documented(app)
    assert {route.split()[1].split("/")[1] for route in hidden} <= {
        "p",
        "t",
        "livez",
        "readyz",
        "metrics",
        "ops",
        "docs",
        "openapi",
    }


def test_every_role_and_every_kind_of_link_is_a_caller() -> None:
    assert {name.upper() for name in (*LINKS, *OPENING_NOTHING)} == set(Purpose.__members__)
    assert {role for role in ROLES if role in TOKENS} == set(ROLES)
    assert tuple(callers(Things())) == CALLERS
