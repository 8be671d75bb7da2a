"""Events' pages in a real Chromium: a phone, JavaScript off, nothing but links and buttons."""

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from playwright.async_api import Browser, Page, ViewportSize, async_playwright, expect

from services.events.app import create_app
from services.events.settings import Settings
from shared.settings import ServiceName
from tests.events.builders import capacity, key_of, own_key, published, signed_up
from tests.support.missing import missing
from tests.support.services import LONG_ENOUGH, Client, eventually, settings_for

pytestmark = pytest.mark.browser

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PHONE = ViewportSize(width=375, height=812)
SMALLEST = ViewportSize(width=320, height=568)
# WCAG 2.2, target size: 24 at least, 44 to be comfortable.
TOUCH = 44
BODIL = {"name": "Bodil Ravn", "email": "bodil@example.org"}


@dataclass(frozen=True)
class Served:
    """The events service at an address of its own; `client` speaks to the same application."""

    address: str
    client: Client

    def page_of(self, registration: dict[str, Any]) -> str:
        """The mailed link, at this address."""
        return f"{self.address}/p/events/registrations/{registration['id']}?key={key_of(registration)}"


@pytest.fixture
def service() -> ServiceName:
    return "events"


@pytest.fixture
def dialect() -> str:
    return "sqlite"


@pytest.fixture
async def served(database_url: str) -> AsyncIterator[Served]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        urls = dict.fromkeys(("events", "matching", "notify"), address)
        app = create_app(settings_for(Settings, "events", database_url, public_urls=urls))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        serving = asyncio.create_task(server.serve(sockets=[listening]))

        async def started() -> bool:
            return server.started or serving.done()

        await eventually(started)
        assert server.started
        async with Client(app) as client:
            yield Served(address, client)
        server.should_exit = True
        await serving


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        missing("Chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def phone(chromium: Browser, size: ViewportSize) -> AsyncIterator[Page]:
    context = await chromium.new_context(
        java_script_enabled=False, viewport=size, is_mobile=True, has_touch=True, locale="da-DK"
    )
    context.set_default_timeout(1_000 * LONG_ENOUGH)
    yield await context.new_page()
    await context.close()


@pytest.fixture
async def page(chromium: Browser) -> AsyncIterator[Page]:
    async with phone(chromium, PHONE) as page:
        yield page


async def test_a_company_signs_up_names_hands_over_and_cancels_by_phone(served: Served, page: Page) -> None:
    event = await published(served.client, capacity=3)
    await page.goto(f"{served.address}/p/events/{event['slug']}")
    await page.get_by_role("button", name="Tilføj en deltager").click()
    await page.get_by_role("button", name="Tilføj en deltager").click()
    await page.get_by_label("Virksomhed eller institution").fill("Fjordenzym ApS")
    await page.get_by_role("textbox", name="Dit navn").fill("Mette Holm")
    await page.get_by_label("Din e-mail").fill("mette@example.org")
    await page.locator("#name-2").fill("Bodil Ravn")
    await page.locator("#email-2").fill("bodil@example.org")
    await page.get_by_role("button", name="Tilmeld 3").click()

    await expect(page.get_by_text("Tak for tilmeldingen")).to_be_visible()
    await expect(page.get_by_text("Bekræftet")).to_have_count(3)
    await page.get_by_role("link", name="Skriv navn").click()
    await page.get_by_label("Navn").fill("Carl Dam")
    await page.get_by_label("E-mail").fill("carl@example.org")
    await page.get_by_role("button", name="Gem").click()
    await expect(page.get_by_text("Navnet er gemt")).to_be_visible()

    await seat(page, "Bodil Ravn").get_by_role("link", name="Ret eller giv videre").click()
    await page.get_by_label("Navn").fill("Aksel Lind")
    await page.get_by_label("E-mail").fill("aksel@example.org")
    await page.get_by_role("button", name="Gem").click()
    await expect(page.get_by_text("Pladsen er givet videre")).to_be_visible()
    await expect(page.get_by_text("Bodil Ravn")).to_have_count(0)

    await seat(page, "Aksel Lind").get_by_role("link", name="Billet").click()
    await expect(page.get_by_alt_text("QR-kode, der vises ved indgangen")).to_be_visible()
    await page.go_back()
    await seat(page, "Carl Dam").get_by_role("link", name="Afmeld").click()
    await expect(page.get_by_label("Carl Dam")).to_be_checked()
    await expect(page.get_by_label("Aksel Lind")).not_to_be_checked()
    await page.get_by_role("button", name="Afmeld de valgte").click()
    await expect(page.get_by_text("Afmeldingen er gået igennem")).to_be_visible()
    assert (await capacity(served.client, event))["quotas"][0]["taken"] == 2


def seat(page: Page, name: str) -> Any:
    return page.get_by_role("listitem").filter(has_text=name)


async def test_the_mailed_link_leaves_no_key_in_the_address_or_the_history(served: Served, page: Page) -> None:
    registration = await signed_up(served.client, await published(served.client))
    await page.goto(served.page_of(registration))
    assert page.url == f"{served.address}/p/events/registrations/{registration['id']}"
    await page.get_by_role("link", name="Afmeld", exact=True).click()
    await page.go_back()
    assert "key=" not in page.url
    (cookie,) = [each for each in await page.context.cookies(page.url) if each["name"] == "videnbro_key"]
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert cookie["path"] == f"/p/events/registrations/{registration['id']}"


async def test_enter_in_a_field_signs_up_and_takes_nobody_away(served: Served, page: Page) -> None:
    event = await published(served.client)
    await page.goto(f"{served.address}/p/events/{event['slug']}")
    await page.get_by_role("button", name="Tilføj en deltager").click()
    await page.get_by_role("textbox", name="Dit navn").fill("Mette Holm")
    await page.get_by_label("Din e-mail").fill("mette@example.org")
    await page.get_by_label("Din e-mail").press("Enter")
    await expect(page.get_by_text("Tak for tilmeldingen")).to_be_visible()
    assert (await capacity(served.client, event))["quotas"][0]["taken"] == 2


async def test_somebody_else_is_named_when_the_contact_person_stays_at_home(served: Served, page: Page) -> None:
    event = await published(served.client)
    await page.goto(f"{served.address}/p/events/{event['slug']}")
    await expect(page.locator("#name-1")).to_be_hidden()
    await page.get_by_role("textbox", name="Dit navn").fill("Mette Holm")
    await page.get_by_label("Din e-mail").fill("mette@example.org")
    await page.get_by_label("Det er mig selv").uncheck()
    await page.locator("#name-1").fill("Bodil Ravn")
    await page.get_by_role("button", name="Tilmeld").last.click()
    await expect(seat(page, "Bodil Ravn")).to_be_visible()


async def test_an_attendee_agrees_by_a_tick_to_be_shown_to_others_and_takes_it_back(served: Served, page: Page) -> None:
    registration = await signed_up(served.client, await published(served.client), attendees=[BODIL])
    attendee = registration["attendees"][0]
    await page.goto(f"{served.address}/p/events/attendees/{attendee['id']}?key={own_key(attendee)['key']}")
    consent = page.get_by_label("Vis andre deltagere, at jeg kommer")
    await expect(consent).not_to_be_checked()
    await consent.check()
    await page.get_by_role("button", name="Gem valget").click()
    await expect(page.get_by_text("Andre deltagere kan nu se, at du kommer")).to_be_visible()
    await expect(consent).to_be_checked()
    await page.reload()
    await consent.uncheck()
    await page.get_by_role("button", name="Gem valget").click()
    await expect(page.get_by_text("Du bliver ikke vist for andre deltagere")).to_be_visible()
    await expect(consent).not_to_be_checked()


async def test_the_page_is_read_in_english_by_one_press(served: Served, page: Page) -> None:
    event = await published(served.client)
    await page.goto(f"{served.address}/p/events/{event['slug']}")
    await page.get_by_role("link", name="English").click()
    await expect(page.get_by_role("heading", name="Signing at Helix Lab")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("link", name="Dansk")).to_be_visible()


async def test_every_page_fits_the_smallest_phone_and_a_thumb(served: Served, chromium: Browser) -> None:
    long = "Underskriftsceremoni for samarbejdserklæringen om bioteknologisk procesindustri"
    event = await published(served.client, title={"da": long}, capacity=1)
    attendees = [{"name": "Ann" * 20, "email": f"{'lang' * 12}@example.org"}, {}]
    registration = await signed_up(served.client, event, attendees=attendees)
    async with phone(chromium, SMALLEST) as page:
        await page.goto(served.page_of(registration))
        own = page.url
        ticket = await page.get_by_role("link", name="Billet").first.get_attribute("href")
        named = f"{own}/attendees/{registration['attendees'][0]['id']}"
        for address in (own, f"{own}/cancel", named, f"{served.address}{ticket}", f"{served.address}/p/events/x"):
            await page.goto(address)
            await fits(page)
        first = registration["attendees"][0]
        await page.goto(f"{served.address}/p/events/attendees/{first['id']}?key={own_key(first)['key']}")
        await fits(page)
        await page.goto(f"{served.address}/p/events/{event['slug']}")
        await page.get_by_role("button", name="Tilføj en deltager").click()
        await fits(page)


async def fits(page: Page) -> None:
    """Nothing to scroll sideways for, and nothing to press that is smaller than a thumb."""
    assert await page.evaluate("document.documentElement.scrollWidth") <= SMALLEST["width"], page.url
    for pressed in await page.locator("main .button:visible, main .plain:visible, main .actions a, .top a").all():
        box = await pressed.bounding_box()
        assert box is not None
        assert box["height"] >= TOUCH, (page.url, await pressed.inner_text())


async def test_the_pages_ask_for_nothing_from_elsewhere(served: Served, page: Page) -> None:
    asked: list[str] = []
    refused: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: refused.append(message.text))
    registration = await signed_up(served.client, await published(served.client))
    await page.goto(served.page_of(registration))
    await page.get_by_role("link", name="Billet").click()
    assert all(re.match(rf"{served.address}/|data:", url) for url in asked)
    assert refused == []
