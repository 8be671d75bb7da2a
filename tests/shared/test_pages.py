"""A page of a mailed link, as a browser meets it: key, cookie, forms, refusals and languages."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import Request
from starlette.responses import Response

import shared.pages
from shared.access.links import Links, Purpose
from shared.http.running import Application, Service
from shared.pages import AnyVisitor, KeyedForm, KeyHolder, OpenForm, Pages, moved
from shared.problems import NotAllowed, Problem, WrongStatus
from shared.settings import ServiceSettings

THING = UUID("01939d2e-7a00-7000-8000-00000000000a")
ADDRESS = f"/p/events/things/{THING}"
LINKS = Links("a secret of the tests that is long enough")
KEY = LINKS.key(Purpose.REGISTRATION, THING, 1)
PUBLIC = "https://videnbro.example.org"

pages = Pages(Path(__file__).with_name("page_templates"))
router = pages.router()


class TooLate(Problem):
    status, slug, title = 409, "too-late", "It is too late"


@router.get("/p/events/open")
async def show_open(request: Request, visitor: AnyVisitor) -> Response:
    return pages.show(request, "thing.html", name="Åben <b>for alle</b>", wrong=None)


@router.post("/p/events/open")
async def take_open(request: Request, form: OpenForm) -> Response:
    return pages.show(request, "thing.html", name=form.one("name"), wrong="For kort", status=422)


@router.get("/p/events/things/{thing}/name")
@router.get("/p/events/things/{thing}")
async def show_thing(request: Request, thing: UUID, visitor: KeyHolder) -> Response:
    visitor.caller.require(visitor.caller.holds(Purpose.REGISTRATION, thing, 1))
    return pages.show(request, "thing.html", name="Tingen", wrong=None, language="en")


@router.post("/p/events/things/{thing}")
async def change_thing(thing: UUID, visitor: KeyHolder, form: KeyedForm) -> Response:
    match form.one("name"):
        case "late":
            raise TooLate("The ship has sailed")
        case "status":
            raise WrongStatus()
        case "forbidden":
            raise NotAllowed()
        case "broken":
            raise ZeroDivisionError
        case _:
            return moved(f"/p/events/things/{thing}", done="gemt æ")


@pytest.fixture
async def browser() -> AsyncIterator[httpx.AsyncClient]:
    settings = ServiceSettings(public_urls={"events": PUBLIC, "matching": PUBLIC, "notify": PUBLIC})
    app = Application()
    app.include_router(router)
    app.include_router(pages.nowhere("/p/events"))
    app.state = Service("events", settings)
    app.state.links = LINKS
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=PUBLIC) as client:
        yield client


async def opened(browser: httpx.AsyncClient, **query: str) -> httpx.Response:
    return await browser.get(ADDRESS, params={"key": KEY, **query}, follow_redirects=True)


def proof_in(page: httpx.Response) -> str:
    found = re.search(r'name="proof" value="([^"]+)"', page.text)
    assert found
    return found.group(1)


async def test_the_key_moves_from_the_address_to_a_cookie_for_this_page_only(browser: httpx.AsyncClient) -> None:
    answer = await browser.get(ADDRESS, params={"key": KEY, "language": "da"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ADDRESS}?language=da")
    assert answer.headers["Cache-Control"] == "no-store"
    cookie = answer.headers["Set-Cookie"]
    for attribute in ("HttpOnly", "SameSite=lax", "Secure", f"Path={ADDRESS}"):
        assert attribute in cookie.split("; ")


async def test_a_key_opened_below_its_page_still_opens_the_whole_page(browser: httpx.AsyncClient) -> None:
    below = await browser.get(f"{ADDRESS}/name", params={"key": KEY}, follow_redirects=True)
    assert (below.status_code, below.url.path) == (200, f"{ADDRESS}/name")
    assert (await browser.get(ADDRESS)).status_code == 200


async def test_the_opened_page_is_kept_by_nobody_and_shows_no_key(browser: httpx.AsyncClient) -> None:
    page = await opened(browser)
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert "key=" not in str(page.url)
    assert KEY not in page.text


async def test_without_the_mailed_link_the_page_says_where_to_find_it(browser: httpx.AsyncClient) -> None:
    page = await browser.get(ADDRESS)
    assert page.status_code == 404
    assert "Åbn siden fra din mail" in page.text
    assert f"{PUBLIC}/p/notify/links?language=da" in page.text


@pytest.mark.parametrize("key", ["", "abc", KEY[:-4], KEY[:-2] + "AA", "æøå", "%00", "x" * 5000])
async def test_a_broken_key_gets_a_friendly_404(browser: httpx.AsyncClient, key: str) -> None:
    page = await browser.get(ADDRESS, params={"key": key})
    assert page.status_code == 404
    assert "text/html" in page.headers["Content-Type"]
    assert "Send mig et nyt link" in page.text


async def test_an_expired_link_says_so_and_how_to_get_a_new_one(browser: httpx.AsyncClient) -> None:
    old = LINKS.key(Purpose.REGISTRATION, THING, 1, datetime.now(UTC) - timedelta(hours=1))
    page = await browser.get(ADDRESS, params={"key": old, "language": "en"})
    assert page.status_code == 410
    assert "This link is no longer valid" in page.text
    assert "Send me a new link" in page.text


async def test_a_replaced_link_is_over_too(browser: httpx.AsyncClient) -> None:
    replaced = LINKS.key(Purpose.REGISTRATION, THING, 0)
    page = await browser.get(ADDRESS, params={"key": replaced}, follow_redirects=True)
    assert page.status_code == 410


async def test_a_link_opens_no_other_page(browser: httpx.AsyncClient) -> None:
    other = UUID(int=THING.int + 1)
    page = await browser.get(f"/p/events/things/{other}?key={KEY}", follow_redirects=True)
    assert page.status_code == 404


async def test_a_form_of_the_page_is_taken_and_answered_with_another_page(browser: httpx.AsyncClient) -> None:
    page = await opened(browser)
    answer = await browser.post(ADDRESS, data={"proof": proof_in(page), "name": "Åse"})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{ADDRESS}?done=gemt+%C3%A6")


@pytest.mark.parametrize("proof", [None, "", "0" * 32, "æ" * 32])
async def test_a_form_of_another_site_changes_nothing(browser: httpx.AsyncClient, proof: str | None) -> None:
    await opened(browser)
    page = await browser.post(ADDRESS, data={"name": "broken"} | ({} if proof is None else {"proof": proof}))
    assert page.status_code == 403
    assert "Formularen kunne ikke bruges" in page.text


async def test_a_form_without_the_cookie_is_refused(browser: httpx.AsyncClient) -> None:
    page = await browser.post(f"{ADDRESS}?key={KEY}", data={"proof": LINKS.form_proof(KEY), "name": "Åse"})
    assert page.status_code == 404


@pytest.mark.parametrize(
    ("name", "status", "words"),
    [
        ("late", 409, "It is too late"),
        ("status", 409, "This can no longer be done"),
        ("forbidden", 403, "This link does not allow that"),
        ("broken", 500, "Something went wrong on our side"),
    ],
)
async def test_refusals_and_faults_are_pages(browser: httpx.AsyncClient, name: str, status: int, words: str) -> None:
    page = await opened(browser, language="en")
    answer = await browser.post(ADDRESS, data={"proof": proof_in(page), "name": name})
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
    assert words in answer.text


async def test_other_methods_and_ids_are_answered_with_a_page(browser: httpx.AsyncClient) -> None:
    assert "Åbn siden igen" in (await browser.delete(ADDRESS)).text
    malformed = await browser.get("/p/events/things/seven")
    assert (malformed.status_code, malformed.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


async def test_an_address_of_no_page_is_answered_with_one(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/p/events/a/b/c?language=en")
    assert page.status_code == 404
    assert "There is nothing here" in page.text


async def test_what_people_wrote_is_shown_as_text(browser: httpx.AsyncClient) -> None:
    page = await browser.get("/p/events/open")
    assert "Åben &lt;b&gt;for alle&lt;/b&gt;" in page.text
    assert page.headers["Cache-Control"] == "no-cache"


async def test_a_refused_field_keeps_what_was_written_and_says_what_is_wrong(browser: httpx.AsyncClient) -> None:
    page = await browser.post("/p/events/open", data={"name": ' "Å" '})
    assert page.status_code == 422
    assert 'value="&#34;Å&#34;"' in page.text
    assert 'aria-invalid="true"' in page.text


@pytest.mark.parametrize(
    ("accepts", "speaks"),
    [
        ("", "da"),
        ("en", "en"),
        ("en-GB,en;q=0.9,da;q=0.8", "en"),
        ("da-DK,en;q=0.9", "da"),
        ("de,en;q=0.4,da;q=0.6", "da"),
        ("de, sv;q=0.9", "da"),
        ("*", "da"),
        ("en;q=nonsense,;q=,,=", "da"),
    ],
)
async def test_the_page_speaks_as_the_browser_likes_best_of_ours(
    browser: httpx.AsyncClient, accepts: str, speaks: str
) -> None:
    page = await browser.get("/p/events/open", headers={"Accept-Language": accepts})
    assert f'<html lang="{speaks}">' in page.text


async def test_a_chosen_language_is_remembered(browser: httpx.AsyncClient) -> None:
    danish = await browser.get("/p/events/open", headers={"Accept-Language": "da"})
    assert 'href="?language=en"' in danish.text
    await browser.get("/p/events/open?language=en")
    page = await browser.get("/p/events/open", headers={"Accept-Language": "da"})
    assert "The thing – Videnbro" in page.text
    assert "Åbn" in (await browser.get(f"{ADDRESS}?language=da")).text


async def test_the_persons_own_language_goes_before_the_browsers(browser: httpx.AsyncClient) -> None:
    page = await browser.get(ADDRESS, params={"key": KEY}, headers={"Accept-Language": "da"}, follow_redirects=True)
    assert '<html lang="en">' in page.text


def test_every_refusal_that_pages_share_has_words_of_its_own() -> None:
    folder = Path(shared.pages.__file__).parents[1] / "templates" / "problems"
    worded = {file.stem for file in folder.iterdir()}
    refusals = {kind.slug for kind in _kinds(Problem) if kind.__module__.startswith("shared.")}
    assert refusals - worded <= {"malformed-body", "stale-version", "idempotency-key-reused", "still-failing"}, (
        "these need a page"
    )


def _kinds(kind: type[Problem]) -> set[type[Problem]]:
    return {kind}.union(*(_kinds(below) for below in kind.__subclasses__()))
