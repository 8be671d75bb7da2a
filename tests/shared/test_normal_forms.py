"""One form of everything that is compared: however it is written, what is the same is found to be so."""

import pytest
from pydantic import TypeAdapter

from shared.domains import is_open, normal_domain, own_domain, website_domain
from shared.fields import CompanyNumber, Phone
from shared.normal_forms import checked_number, company_number, same_name
from shared.problems import Invalid


@pytest.mark.parametrize(
    ("country", "written", "number"),
    [
        ("DK", "61 05 64 16", "61056416"),
        ("DK", "61-05-64-16", "61056416"),
        ("DK", "61\u00a005\u00a064\u00a016", "61056416"),
        ("DK", "dk61056416", "61056416"),
        ("DK", "CVR 61056416", "61056416"),
        ("DK", "CVR-nr. 61 05 64 16", "61056416"),
        ("BE", "0403.170.701", "0403170701"),
        ("CH", "CHE-123.456.789", "CHE123456789"),
        ("SE", "556703\u20117485", "5567037485"),
        ("FI", "0112038-9", "01120389"),
        ("US", "12-3456789", "123456789"),
    ],
)
def test_a_company_number_is_one_however_it_is_written(country: str, written: str, number: str) -> None:
    taken = TypeAdapter(CompanyNumber).validate_python(written)
    assert checked_number(taken, country, "/cvr") == number
    assert company_number(number, country) == number


@pytest.mark.parametrize(("country", "written"), [("DK", "12345678"), ("DK", "6105641"), ("US", "1" * 25)])
def test_a_number_that_cannot_be_is_refused(country: str, written: str) -> None:
    with pytest.raises(Invalid):
        checked_number(written, country, "/cvr")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Novo Nordisk", "NOVO NORDISK A/S", True),
        ("Fjord ApS", "Fjord", True),
        ("Fjord A.S.", "fjord", True),
        ("Fjo\u00adrd\u200b", "Fjord", True),
        ("Rødgrød", "Roedgroed", True),
        ("Chr. Hansen", "Chr Hansen A/S", True),
        ("Fjord", "Fjord Pharma", False),
        ("Holding A/S", "A/S", False),
    ],
)
def test_names_are_compared_by_what_people_read(one: str, other: str, *, same: bool) -> None:
    assert (same_name(one) == same_name(other)) is same


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("RØDGRØD.dk", "xn--rdgrd-vuad.dk"),
        ("xn--rdgrd-vuad.dk", "xn--rdgrd-vuad.dk"),
        ("straße.de", "xn--strae-oqa.de"),
        ("ｄｔｕ．dk", "dtu.dk"),
        ("dtu.dk.", "dtu.dk"),
        ("localhost", None),
        ("a..dk", None),
        ("-a.dk", None),
    ],
)
def test_a_domain_is_written_one_way(written: str, normal: str | None) -> None:
    assert normal_domain(written) == normal


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "mail.gmail.com",
        "hotmail.se",
        "hotmail.no",
        "live.se",
        "outlook.fr",
        "yahoo.co.uk",
        "gmx.at",
        "tuta.com",
        "duck.com",
        "qq.com",
        "t-online.de",
        "privaterelay.appleid.com",
        "youmail.dk",
        "fiberby.dk",
        "mailinator.com",
        "co.uk",
        "dk",
        "github.io",
        "blogspot.com",
        "example.org",
        "example.net",
        "example.com",
        "test",
        "linkedin.com",
        "facebook.com",
    ],
)
def test_where_anybody_can_be_says_nothing(domain: str) -> None:
    assert is_open(domain)
    assert own_domain(f"mette@{domain}") is None
    assert website_domain(f"https://www.{domain}/fjord") is None


@pytest.mark.parametrize("domain", ["novonesis.com", "dtu.dk", "food.dtu.dk", "fjord.example.org", "lab.test", "x.org"])
def test_a_domain_of_ones_own_says_who_one_works_for(domain: str) -> None:
    assert own_domain(f"Mette@{domain.upper()}") == domain
    assert website_domain(f"https://www.{domain}/fjord") == domain


def test_a_telephone_number_is_taken_by_what_is_seen_of_it() -> None:
    assert TypeAdapter(Phone).validate_python("\u202a+45\u00a011\u201122 33 44\u202c ") == "+45 11-22 33 44"
