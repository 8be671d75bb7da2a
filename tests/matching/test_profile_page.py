"""The page behind a mailed profile link: no account, no JavaScript, a GET only shows."""

import re
from html import unescape

import pytest

from shared.contracts.matching import IntroductionCompleted, IntroductionRequested, OrganisationUpdated
from tests.matching.builders import Row, contact, hear, key_of, make, need, newcomer, offer, propose, say, sign_up, told
from tests.support.services import Client


async def opened(client: Client, organisation: Row, **query: str) -> tuple[str, str]:
    """The page of a mailed link, and the proof its forms send back."""
    path = f"/p/matching/organisations/{organisation['id']}"
    first = await client.get(path, params={**key_of(organisation["id"]), **query})
    assert (first.status_code, "key=" in first.headers["Location"]) == (303, False)
    client.cookies.set("videnbro_key", first.cookies["videnbro_key"])
    page = await client.get(path, params=query)
    assert page.status_code == 200, page.text
    form = await client.get(f"{path}/edit")
    proof = re.search(r'name="proof" value="(\w+)"', form.text)
    assert proof is not None
    return unescape(page.text), proof[1]


@pytest.fixture
async def maker(client: Client) -> Row:
    return await make(
        client,
        "Gærhuset",
        offers=[offer("Flydende gær")],
        contacts=[contact("Bo Gær", "bo@gaer.example.org", title="Gærmester")],
    )


@pytest.fixture
async def company(client: Client, maker: Row) -> Row:
    """A company that has just signed up for an event."""
    made = newcomer("Bageriet <3")
    await hear(client, sign_up(made))
    return {"id": str(made.id)}


async def test_the_mailed_link_opens_the_profile_and_changes_nothing(client: Client, company: Row) -> None:
    page, _ = await opened(client, company)
    assert "Bageriet <3" in page
    assert "Udfyld profilen" in page
    assert "Ikke offentliggjort" in page
    assert "<script" not in page
    assert await told(client, OrganisationUpdated) == []
    english, _ = await opened(client, company, language="en")
    assert "Complete the profile" in english


async def test_without_the_link_there_is_nothing_to_see(client: Client, company: Row, maker: Row) -> None:
    path = f"/p/matching/organisations/{maker['id']}"
    closed = await client.get(path)
    assert closed.status_code == 404
    assert "Gærhuset" not in closed.text
    await opened(client, company)
    assert (await client.get(path)).status_code == 403


async def test_the_form_says_what_one_offers_and_needs_and_then_suggestions_come(client: Client, company: Row) -> None:
    _, proof = await opened(client, company)
    path = f"/p/matching/organisations/{company['id']}"
    form = await client.get(f"{path}/edit")
    assert form.status_code == 200
    filled = {
        "proof": proof,
        "version": "1",
        "kind": "startup",
        "summary_da": "Vi bager brød.",
        "summary_en": "",
        "offers_id": ["", ""],
        "offers_text": ["Brød & boller", ""],
        "offers_category": ["market", "knowledge"],
        "offers_visibility": ["public", "public"],
        "needs_id": [""],
        "needs_text": ["Levende gær"],
        "needs_category": ["technology"],
        "needs_visibility": ["members"],
    }
    saved = await client.post(f"{path}/edit", data=filled)
    assert (saved.status_code, saved.headers["Location"]) == (303, f"{path}?done=saved")
    page, _ = await opened(client, company, done="saved")
    for words in ("Profilen er gemt", "Vi bager brød.", "Brød & boller", "Levende gær", "kun for medlemmer"):
        assert words in page
    assert "Gærhuset tilbyder »Flydende gær«, og I søger »Levende gær«." in page

    behind = await client.post(f"{path}/edit", data={**filled, "summary_da": "Noget andet."})
    assert behind.status_code == 412
    assert "En anden har ændret profilen imens" in behind.text
    assert "Noget andet." in behind.text
    wrong = await client.post(f"{path}/edit", data={**filled, "version": "2", "needs_text": ["x" * 2001]})
    assert wrong.status_code == 422


async def test_what_the_form_does_not_show_of_an_offer_stays(client: Client) -> None:
    both = {"da": "Damp", "en": "Steam"}
    resource = {"stream": "steam", "direction": "out"}
    works = await make(
        client, "Værket", offers=[{"category": "resource", "text": both, "resource": resource}], needs=[need("Vand")]
    )
    _, proof = await opened(client, works)
    held, path = works["offers"][0], f"/p/matching/organisations/{works['id']}"
    columns = {"id": held["id"], "text": "Overskudsdamp", "category": "resource", "visibility": "public"}
    filled = {
        "proof": proof,
        "version": "1",
        "kind": "producer",
        **{f"offers_{name}": one for name, one in columns.items()},
    }
    assert (await client.post(f"{path}/edit", data=filled)).status_code == 303
    profile = (await client.get(f"/v1/organisations/{works['id']}")).json()
    assert profile["offers"][0]["text"] == {"da": "Overskudsdamp", "en": "Steam"}
    assert profile["offers"][0]["resource"]["stream"] == "steam"
    assert profile["offers"][0]["id"] == held["id"]
    assert profile["needs"] == []


async def test_a_form_from_another_site_changes_nothing(client: Client, company: Row) -> None:
    await opened(client, company)
    path = f"/p/matching/organisations/{company['id']}/publish"
    answer = await client.post(path, data={"proof": "guessed"})
    assert (answer.status_code, await told(client, OrganisationUpdated)) == (403, [])


async def test_the_publish_button_publishes_and_hides(client: Client) -> None:
    draft = await make(client, "Kladde", "startup", published=False)
    _, proof = await opened(client, draft)
    path = f"/p/matching/organisations/{draft['id']}"
    await client.post(f"{path}/publish", data={"proof": proof, "published": "yes"})
    assert (await client.get(f"/v1/organisations/{draft['id']}")).status_code == 200
    page, proof = await opened(client, draft, done="published")
    assert "Profilen er offentliggjort" in page
    await client.post(f"{path}/publish", data={"proof": proof, "published": "no"})
    assert (await client.get(f"/v1/organisations/{draft['id']}")).status_code == 404


async def test_yes_from_both_pages_shows_whom_to_write_to(client: Client, maker: Row) -> None:
    bakery = await make(
        client, "Bageriet", "startup", needs=[need("Levende gær")], contacts=[contact("Mia", "mia@broed.example.org")]
    )
    page, proof = await opened(client, bakery)
    assert "Ja tak, sæt os i forbindelse" in page
    path = f"/p/matching/organisations/{bakery['id']}/answers/{maker['id']}"
    answered = await client.post(path, data={"proof": proof, "answer": "yes"})
    assert answered.headers["Location"].endswith("?done=yes")
    page, _ = await opened(client, bakery)
    assert "I venter på svar fra" in page
    assert "bo@gaer.example.org" not in page
    assert len(await told(client, IntroductionRequested)) == 1

    page, proof = await opened(client, maker)
    assert "Bageriet vil gerne i kontakt med jer" in page
    assert "mia@broed.example.org" not in page
    path = f"/p/matching/organisations/{maker['id']}/answers/{bakery['id']}"
    answered = await client.post(path, data={"proof": proof, "answer": "yes"})
    assert answered.headers["Location"].endswith("?done=in_touch")
    page, _ = await opened(client, maker)
    assert "mia@broed.example.org" in page
    assert len(await told(client, IntroductionCompleted)) == 1


async def test_a_no_by_the_page_takes_the_suggestion_away(client: Client, maker: Row) -> None:
    bakery = await make(client, "Bageriet", "startup", needs=[need("Levende gær")])
    _, proof = await opened(client, bakery)
    path = f"/p/matching/organisations/{bakery['id']}/answers/{maker['id']}"
    await client.post(path, data={"proof": proof, "answer": "not_for_us"})
    page, proof = await opened(client, bakery, done="not_for_us")
    assert "De får det ikke at vide" in page
    assert "Gærhuset" not in page
    await client.post(path, data={"proof": proof, "answer": "take_back"})
    page, _ = await opened(client, bakery)
    assert "Gærhuset" in page


async def test_a_yes_may_be_taken_back_by_the_page(client: Client, maker: Row) -> None:
    bakery = await make(client, "Bageriet", "startup", needs=[need("Levende gær")])
    await say(client, bakery["id"], maker["id"], "yes")
    page, proof = await opened(client, bakery)
    assert "Tag jeres ja tilbage" in page
    path = f"/p/matching/organisations/{bakery['id']}/answers/{maker['id']}"
    await client.post(path, data={"proof": proof, "answer": "take_back"})
    page, _ = await opened(client, maker)
    assert "vil gerne i kontakt" not in page


@pytest.fixture
async def bakery(client: Client) -> Row:
    return await make(
        client, "Bageriet", "startup", needs=[need("Levende gær")], contacts=[contact("Mia", "mia@broed.example.org")]
    )


async def test_a_proposal_of_the_secretariat_is_answered_on_the_page(client: Client, maker: Row, bakery: Row) -> None:
    await propose(client, maker, bakery, message="Ring til <hinanden>.")
    for mine, other, done in ((maker, bakery, "yes"), (bakery, maker, "in_touch")):
        page, proof = await opened(client, mine)
        assert f"Sekretariatet foreslår, at I taler med {other['name']}" in page
        assert "Sekretariatet skriver: Ring til <hinanden>." in page
        path = f"/p/matching/organisations/{mine['id']}/answers/{other['id']}"
        answered = await client.post(path, data={"proof": proof, "answer": "yes"})
        assert answered.headers["Location"].endswith(f"?done={done}")
    page, _ = await opened(client, maker)
    assert "mia@broed.example.org" in page


async def test_who_said_yes_to_a_proposal_waits_as_if_it_had_asked(client: Client, maker: Row, bakery: Row) -> None:
    await propose(client, maker, bakery)
    await say(client, bakery["id"], maker["id"], "yes")
    await say(client, maker["id"], bakery["id"], "not_for_us")
    page, _ = await opened(client, bakery)
    assert "I venter på svar fra" in page
    assert "Sekretariatet foreslår" not in page


async def test_a_button_says_what_became_of_an_introduction(client: Client, maker: Row, bakery: Row) -> None:
    await say(client, bakery["id"], maker["id"], "yes")
    said = await say(client, maker["id"], bakery["id"], "yes")
    page, proof = await opened(client, bakery)
    assert "Hvordan gik det?" in page
    assert "✓" not in page
    path = f"/p/matching/organisations/{bakery['id']}/introductions/{said['introduction']}/outcome"
    recorded = await client.post(path, data={"proof": proof, "outcome": "working_together"})
    assert recorded.headers["Location"].endswith("?done=working_together")
    page, _ = await opened(client, bakery, done="working_together")
    assert "Vi har noteret, at I samarbejder" in page
    assert "Vi samarbejder ✓" in page
    page, _ = await opened(client, maker)
    assert "✓" not in page
