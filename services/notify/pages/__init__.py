"""Notify's pages for people; `pages` shows them in the shared layout."""

from pathlib import Path

from shared.pages import Pages

pages = Pages(Path(__file__).with_name("templates"))
