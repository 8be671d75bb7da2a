"""The pictures of the README: `python -m tests.journeys.pictures` opens the mailed links on a phone."""

import shutil
import tempfile
import time
from pathlib import Path

import httpx
from playwright.sync_api import ViewportSize, sync_playwright

from deploy.local.mailbox import links_of, messages
from tests.journeys.readme import ROOT, stack
from tests.journeys.test_pages_in_a_browser import FLAGS
from tests.support.services import LONG_ENOUGH

PAGES = {"registration": "/p/events/registrations/", "ticket": "/t/", "profile": "/p/matching/organisations/"}
PHONE = ViewportSize(width=390, height=844)
SIGN_UP = {
    "organisation": {"name": "Havfersk ApS", "kind": "startup", "website": "https://havfersk.example.org"},
    "contact": {"name": "Freja Holm", "email": "freja@havfersk.example.org", "language": "da"},
    "attendees": [{"name": "Freja Holm", "email": "freja@havfersk.example.org"}, {"name": "Ali Nur"}, {}],
}


def mailed(mails: Path, path: str) -> str:
    """The newest mailed link with this path; waits until there is one."""
    deadline = time.monotonic() + LONG_ENOUGH
    while time.monotonic() < deadline:
        if found := [link for message in messages(mails) for link in links_of(message) if path in link]:
            return found[-1]
        time.sleep(0.1)
    raise TimeoutError(f"no mail with a link to {path}")


def main() -> None:
    folder = ROOT / "docs" / "pages"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name, stack(Path(name)) as told, sync_playwright() as playwright:
        registrations = f"{told['EVENTS']}/v1/events/{told['EVENT']}/registrations"
        httpx.post(registrations, json=SIGN_UP, timeout=LONG_ENOUGH).raise_for_status()
        mails = Path(told["DATA"]) / "mail"
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        context = browser.new_context(viewport=PHONE, java_script_enabled=False, device_scale_factor=1, locale="da")
        page = context.new_page()
        for picture, path in PAGES.items():
            page.goto(mailed(mails, path))
            page.screenshot(path=folder / f"{picture}.png", full_page=True)
        browser.close()


if __name__ == "__main__":
    main()
