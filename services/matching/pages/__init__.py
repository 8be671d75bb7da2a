"""Matching's pages: HTML over the same rules as the API."""

from pathlib import Path

from shared.pages import Pages

pages = Pages(Path(__file__).with_name("templates"))
