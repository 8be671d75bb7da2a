"""What text, addresses and ids may be."""

import unicodedata
from itertools import pairwise
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.database import uuid7
from shared.fields import Email, Key, Line, LineTexts, LongText, Phone, Timezone, Url, same_address, wire_address

line: TypeAdapter[str] = TypeAdapter(Line)
NAMES = [
    "Søren Ærø",
    "Björk Guðmundsdóttir",
    "محمد",
    "李小龍",
    "Ὀδυσσεύς",
    "ประยุทธ์",
    "O'Neill-Smith",
    "👩🏽‍🔬 Ada",
    "é",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_in_every_script_are_taken_as_they_are(name: str) -> None:
    assert line.validate_python(name) == name


def test_no_control_character_and_no_half_of_a_pair_is_taken() -> None:
    for code in range(0x10000):
        character = chr(code)
        if unicodedata.category(character) in ("Cc", "Cs"):
            with pytest.raises(ValidationError):
                line.validate_python(f"a{character}b")
    text: TypeAdapter[str] = TypeAdapter(LongText)
    assert text.validate_python("a\r\nb\rc\td") == "a\nb\nc\td"


WHAT: dict[str, tuple[Any, list[object], list[object]]] = {
    "e-mail": (
        Email,
        ["mette@example.org", "a.b+c@xn--kbenhavn-54a.dk"],
        ["", "mette", "@example.org", "a@b", "a b@example.org", "a@example..org"],
    ),
    "phone": (Phone, ["+45 59 57 00 00", "(0045) 59-57"], ["", "12", "call me", "1" * 41]),
    "time zone": (Timezone, ["Europe/Copenhagen", "UTC"], ["Copenhagen", "Europe/copenhagen", "../etc/passwd", ""]),
    "address": (
        Url,
        ["https://example.org", "http://example.org/a?b#c"],
        ["example.org", "ftp://example.org", "https://x", "//a.b"],
    ),
    "key": (Key, ["guest", "a-1_b"], ["Guest", "1a", "", "a" * 41, "a b", "a\n"]),
    "texts": (LineTexts, [{"da": "Hej"}, {"da": "Hej", "en": "Hi"}], [{}, {"de": "Hallo"}, {"da": ""}, {"da": None}]),
}


@pytest.mark.parametrize("what", WHAT)
def test_what_each_field_takes(what: str) -> None:
    kind, good, bad = WHAT[what]
    adapter: TypeAdapter[object] = TypeAdapter(kind)
    for value in good:
        adapter.validate_python(value)
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    ids = [uuid7() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert {identity.version for identity in ids} == {7}
    assert all(before.int >> 80 <= after.int >> 80 for before, after in pairwise(ids))


@pytest.mark.parametrize(
    ("typed", "wire"),
    [
        ("info@straße.example", "info@xn--strae-oqa.example"),
        ("info@FAẞ.example", "info@xn--fa-hia.example"),
        ("b@κλαρα-σωλις.example", "b@xn----ylba7abgd9bnh0e.example"),
        ("mette@Smørrebrød.example", "mette@xn--smrrebrd-64af.example"),
        ("Mette@Example.ORG", "Mette@example.org"),
        ("søren@example.org", "søren@example.org"),
    ],
)
def test_an_address_goes_out_at_the_domain_that_was_typed_and_is_one_however_it_is_written(
    typed: str, wire: str
) -> None:
    kept = TypeAdapter(Email).validate_python(typed)
    assert wire_address(kept) == wire
    assert same_address(kept) == same_address(typed) == same_address(wire) == same_address(wire.upper())
    assert TypeAdapter(Email).validate_python(same_address(kept)) == same_address(kept)


def test_domains_that_differ_by_one_letter_are_two() -> None:
    assert same_address("info@straße.example") != same_address("info@strasse.example")
    assert same_address("b@σωλις.example") != same_address("b@σωλισ.example")
