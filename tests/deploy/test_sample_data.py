"""The sample data is whole, honest about its source, and shaped like what the services take."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from shared.domains import checked_domain

SAMPLE = Path(__file__).parents[2] / "deploy" / "sample"

FIELDS = {
    "key", "parent_key", "name", "kind", "country", "locations", "website", "cvr", "web_domains", "mail_domains",
    "summary", "offers", "needs",
    "sectors", "focus_areas", "hub", "languages", "contacts", "published",
}  # fmt: skip
KINDS = {"startup", "research", "producer", "supplier", "public", "network", "investor"}
CATEGORIES = {"knowledge", "technology", "facility", "resource", "talent", "funding", "market", "project"}
SECTORS = {
    "biotech", "pharma", "medtech", "assistive_devices", "welfare_technology", "health_data",
    "digital_solutions", "biosolutions",
}  # fmt: skip
FOCUS_AREAS = {
    "education_research_innovation", "biotech_production_industry_4_0", "sustainability_green_transition",
}  # fmt: skip
HUBS = {"kalundborg", "copenhagen", "aarhus", "odense", "aalborg", "nykoebing_falster", "roskilde"}
STREAMS = {
    "biogas", "biomass", "co2", "electricity", "fertiliser", "gypsum", "heat", "manure", "methane", "steam",
    "straw", "water",
}  # fmt: skip
LANGUAGES = {"da", "en"}

Row = dict[str, Any]


def read_organisations(name: str = "organisations.jsonl") -> list[Row]:
    text = (SAMPLE / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


ORGANISATIONS = read_organisations()
HOLDERS = read_organisations("holders.jsonl")
EVENT: Row = json.loads((SAMPLE / "event.json").read_text(encoding="utf-8"))


def by_key(row: Row) -> str:
    return str(row["key"])


def items(row: Row) -> list[Row]:
    return [*row["offers"], *row["needs"]]


def test_there_are_97_organisations_each_with_its_own_key_and_name() -> None:
    assert len(ORGANISATIONS) == 97
    assert max(Counter(row["key"] for row in ORGANISATIONS).values()) == 1
    assert max(Counter(row["name"] for row in ORGANISATIONS).values()) == 1


def test_the_kinds_are_those_of_the_97() -> None:
    assert Counter(row["kind"] for row in ORGANISATIONS) == {
        "producer": 23, "startup": 22, "research": 19, "public": 17, "supplier": 8, "network": 8,
    }  # fmt: skip


@pytest.mark.parametrize("row", ORGANISATIONS, ids=by_key)
def test_an_organisation_has_the_fields_and_only_allowed_values(row: Row) -> None:
    assert set(row) == FIELDS
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", row["key"])
    assert row["name"].strip() == row["name"] != ""
    assert row["kind"] in KINDS
    assert row["country"] == "DK"
    assert row["hub"] is None or row["hub"] in HUBS
    assert set(row["sectors"]) <= SECTORS
    assert set(row["focus_areas"]) <= FOCUS_AREAS
    assert len(set(row["sectors"])) == len(row["sectors"])
    assert row["published"] is True


@pytest.mark.parametrize("row", ORGANISATIONS, ids=by_key)
def test_a_location_is_a_town_and_one_of_them_is_the_main_one(row: Row) -> None:
    locations = row["locations"]
    for location in locations:
        assert set(location) == {"city", "country", "main"}
        assert location["city"] not in {"Denmark", "Germany", "Funen", "Region Zealand", "Southern Jutland"}
        assert "/" not in location["city"]
        assert location["country"] in {"DK", "SE", "GB"}
    assert sum(location["main"] for location in locations) == min(1, len(locations))


@pytest.mark.parametrize("row", ORGANISATIONS, ids=by_key)
def test_an_organisation_speaks_the_languages_of_its_summary(row: Row) -> None:
    assert row["summary"]
    assert set(row["summary"]) <= LANGUAGES
    assert all(40 < len(text.split()) < 200 for text in row["summary"].values())
    assert row["languages"] == list(row["summary"])


@pytest.mark.parametrize("row", ORGANISATIONS, ids=by_key)
def test_offers_and_needs_are_short_texts_in_a_category(row: Row) -> None:
    assert items(row)
    for item in items(row):
        assert set(item) <= {"category", "text", "resource"}
        assert item["category"] in CATEGORIES
        assert item["text"]
        assert set(item["text"]) <= set(row["languages"])
        assert all(text.endswith(".") and len(text) < 200 for text in item["text"].values())


@pytest.mark.parametrize("row", ORGANISATIONS, ids=by_key)
def test_a_resource_stream_goes_out_of_an_offer_and_into_a_need(row: Row) -> None:
    for side, direction in (("offers", "out"), ("needs", "in")):
        for item in row[side]:
            if "resource" in item:
                assert item["category"] == "resource"
                assert item["resource"].keys() == {"stream", "direction"}
                assert item["resource"]["stream"] in STREAMS
                assert item["resource"]["direction"] == direction


def word_stems(text: str) -> set[str]:
    return {word[:5] for word in re.findall(r"\w{4,}", text.lower())}


@pytest.mark.parametrize("row", ORGANISATIONS, ids=by_key)
def test_offers_and_needs_keep_to_the_words_of_the_organisations_own_text(row: Row) -> None:
    for item in items(row):
        for language, text in item["text"].items():
            stems, own = word_stems(text), word_stems(row["summary"][language])
            assert len(stems & own) >= len(stems) / 2, text


def test_a_parent_is_in_the_sample_and_has_no_parent_itself() -> None:
    parents = {row["key"]: row.get("parent_key") for row in (*HOLDERS, *ORGANISATIONS)}
    assert len(parents) == len(HOLDERS) + len(ORGANISATIONS)
    units = {key: parent for key, parent in parents.items() if parent is not None}
    assert {row["key"] for row in HOLDERS} <= set(units.values())
    assert all(parents[parent] is None for parent in units.values())


@pytest.mark.parametrize("row", [*HOLDERS, *ORGANISATIONS], ids=by_key)
def test_a_domain_is_ones_own_in_its_one_form(row: Row) -> None:
    for domain in (*row["web_domains"], *row["mail_domains"]):
        assert checked_domain(domain) == domain


def test_a_domain_has_one_holder() -> None:
    for use in ("web_domains", "mail_domains"):
        held = Counter(domain for row in (*HOLDERS, *ORGANISATIONS) for domain in set(row[use]))
        assert set(held.values()) == {1}


@pytest.mark.parametrize("row", [*HOLDERS, *ORGANISATIONS], ids=by_key)
def test_the_one_to_write_to_is_invented_and_no_person_is_in_the_data(row: Row) -> None:
    (contact,) = row["contacts"]
    assert contact["email"].endswith(f"@{row['key']}.example.org")
    assert contact["name"] == f"Partnerskaber hos {row['name']}"
    rest = json.dumps({**row, "contacts": [], "website": None}, ensure_ascii=False)
    assert "@" not in rest
    assert "://" not in rest


def test_danish_letters_are_written_as_letters_in_plain_utf_8() -> None:
    raw = (SAMPLE / "organisations.jsonl").read_bytes()
    assert not raw.startswith(b"\xef\xbb\xbf")
    assert b"\\u" not in raw
    assert raw.endswith(b"}\n")
    names = {row["key"]: row["name"] for row in ORGANISATIONS}
    assert names["oersted-asnaes"] == "Ørsted, Asnæsværket"
    assert names["naestved-kommune"] == "Næstved Kommune"


def test_most_organisations_offer_something_and_many_need_something() -> None:
    assert sum(bool(row["offers"]) for row in ORGANISATIONS) > 90
    assert sum(bool(row["needs"]) for row in ORGANISATIONS) > 40


def test_the_event_is_the_signing_ceremony_organised_by_knowledge_hub_zealand() -> None:
    assert EVENT["kind"] == "signing"
    assert EVENT["organiser_key"] in {row["key"] for row in ORGANISATIONS}
    assert EVENT["venue"] == {"name": "Helix Lab", "city": "Kalundborg"}
    assert set(EVENT["focus_areas"]) == FOCUS_AREAS
    assert EVENT["hub"] in HUBS


def test_the_event_is_four_weeks_ahead_with_sixty_seats_and_a_waitlist() -> None:
    assert EVENT["starts_in_days"] == 28
    assert EVENT["starts_at_local_time"] < EVENT["ends_at_local_time"]
    assert EVENT["timezone"] == "Europe/Copenhagen"
    assert EVENT["capacity"] == 60
    assert EVENT["waitlist"] == {"mode": "promote"}
    quotas = {ticket_type["key"]: ticket_type["capacity"] for ticket_type in EVENT["ticket_types"]}
    assert quotas == {"guest": None, "signatory": 15, "press": 5}


def test_the_event_is_told_in_danish_and_english() -> None:
    texts = [EVENT["title"], EVENT["summary"], EVENT["description"]]
    texts += [ticket_type["title"] for ticket_type in EVENT["ticket_types"]]
    assert all(text.keys() == LANGUAGES and all(text.values()) for text in texts)


def test_the_event_says_when_the_real_ceremony_was_and_names_only_the_four_known_signatories() -> None:
    known = {"novo-nordisk", "knowledge-hub-zealand", "kalundborg-symbiose", "kalundborg-kommune"}
    assert "22. april 2022" in EVENT["description"]["da"]
    assert "22 April 2022" in EVENT["description"]["en"]
    for text in EVENT["description"].values():
        named = {row["key"] for row in ORGANISATIONS if row["name"] in text}
        assert named == known | {"helix-lab"}
