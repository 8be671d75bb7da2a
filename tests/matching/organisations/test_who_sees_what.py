"""Who sees which part of a profile."""

from typing import Any

from tests.matching.builders import contact, key_of, make, manager_of, member_of, need, offer, organiser_of, say
from tests.support.callers import NOBODY
from tests.support.services import Client

SECRETS: dict[str, Any] = {
    "offers": [offer("Gær til brød"), offer("Hemmelig stamme", visibility="members")],
    "needs": [need("Melasse"), need("En ny fabrik", visibility="members")],
    "contacts": [contact()],
}


async def seen(client: Client, organisation: str, **caller: Any) -> dict[str, Any]:
    answer = await client.get(f"/v1/organisations/{organisation}", **caller)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def texts(profile: dict[str, Any]) -> list[str]:
    return [each["text"]["da"] for each in [*profile["offers"], *profile["needs"]]]


async def test_the_public_sees_the_public_parts_and_no_contacts(client: Client) -> None:
    made = await make(client, "Gærhuset", **SECRETS)
    profile = await seen(client, made["id"])
    assert texts(profile) == ["Gær til brød", "Melasse"]
    assert profile["contacts"] is None
    assert profile["next_steps"] == []
    assert "gaerhuset.example.org" not in str(profile)


async def test_an_organiser_sees_no_more_than_the_public(client: Client) -> None:
    made = await make(client, "Gærhuset", **SECRETS)
    assert texts(await seen(client, made["id"], headers=organiser_of(made["id"]))) == ["Gær til brød", "Melasse"]


async def test_members_of_published_organisations_see_what_is_for_members(client: Client) -> None:
    made, other = await make(client, "Gærhuset", **SECRETS), await make(client, "DTU", "research")
    for caller in ({"headers": member_of(other["id"])}, {"params": key_of(other["id"])}):
        profile = await seen(client, made["id"], **caller)
        assert len(texts(profile)) == 4
        assert profile["contacts"] is None


async def test_members_of_unpublished_organisations_do_not(client: Client) -> None:
    made, draft = await make(client, "Gærhuset", **SECRETS), await make(client, "Kladde", "startup", published=False)
    for caller in ({"headers": member_of(draft["id"])}, {"params": key_of(draft["id"])}):
        assert texts(await seen(client, made["id"], **caller)) == ["Gær til brød", "Melasse"]


async def test_its_own_people_see_all_of_it(client: Client) -> None:
    made = await make(client, "Gærhuset", published=False, **SECRETS)
    for caller in (
        {"headers": member_of(made["id"])},
        {"headers": manager_of(made["id"])},
        {"params": key_of(made["id"])},
    ):
        profile = await seen(client, made["id"], **caller)
        assert len(texts(profile)) == 4
        assert profile["contacts"][0]["email"] == "mette@gaerhuset.example.org"
        assert profile["next_steps"][0]["action"] == "publish"


async def test_nobody_else_sees_an_unpublished_profile(client: Client) -> None:
    made, other = await make(client, "Gærhuset", published=False), await make(client, "DTU", "research")
    for headers in (NOBODY, member_of(other["id"]), organiser_of(made["id"])):
        assert (await client.get(f"/v1/organisations/{made['id']}", headers=headers)).status_code == 404


async def test_contacts_are_seen_once_both_have_said_yes(client: Client) -> None:
    made, other = await make(client, "Gærhuset", **SECRETS), await make(client, "DTU", "research")
    await say(client, other["id"], made["id"], "yes")
    assert (await seen(client, made["id"], headers=member_of(other["id"])))["contacts"] is None
    await say(client, made["id"], other["id"], "yes")
    in_touch = await seen(client, made["id"], headers=member_of(other["id"]))
    assert in_touch["contacts"][0]["email"] == "mette@gaerhuset.example.org"
    assert (await seen(client, made["id"]))["contacts"] is None


async def test_who_is_asked_by_an_unpublished_organisation_may_see_who_asks(client: Client) -> None:
    draft, other = await make(client, "Kladde", "startup", published=False), await make(client, "DTU", "research")
    await say(client, draft["id"], other["id"], "yes")
    assert (await seen(client, draft["id"], headers=member_of(other["id"])))["name"] == "Kladde"
    assert (await client.get(f"/v1/organisations/{draft['id']}")).status_code == 404


async def test_an_offer_past_its_last_day_is_shown_to_its_own_people_alone(client: Client) -> None:
    made = await make(client, "Gærhuset", offers=[offer("Sommerens kapacitet", valid_until="2020-08-31")])
    assert texts(await seen(client, made["id"])) == []
    assert texts(await seen(client, made["id"], headers=member_of(made["id"]))) == ["Sommerens kapacitet"]
