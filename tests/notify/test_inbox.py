"""The inbox of an e-mail address: for its owner by JWT, or by the link that was mailed there."""

from datetime import timedelta
from uuid import UUID

from services.notify.contacts import find
from services.notify.tables import Contact
from shared.access.links import Purpose
from shared.contracts.events import ContactPerson, EventContact
from shared.contracts.matching import OrganisationContact, ProfileLinkRequested
from shared.database import uuid7
from shared.fields import utc_now
from tests.notify.messages import attendee, published, registered, tell
from tests.support.callers import as_caller, links
from tests.support.services import Client

METTE = as_caller("member", email="Mette@Example.org")


async def contact(notify: Client, email: str) -> Contact:
    async with notify.app.state.database.reading() as session:
        found = await find(session, email)
        assert found is not None
        return found


async def three_confirmations(notify: Client) -> None:
    event = published()
    await tell(notify, event)
    for number in range(3):
        await tell(notify, registered(event, attendee("Jens Lund"), reference=f"KLB-{number}"))


async def test_notifications_are_read_and_archived_once(notify: Client) -> None:
    await three_confirmations(notify)
    page = (await notify.get("/v1/inbox", headers=METTE)).json()
    assert page["unread"] == 3
    assert [each["text"][-2:] for each in page["items"]] == ["2.", "1.", "0."]
    newest, _, oldest = (each["id"] for each in page["items"])

    read = (await notify.post(f"/v1/inbox/{newest}/read", headers=METTE)).json()
    again = await notify.post(f"/v1/inbox/{newest}/read", headers=METTE)
    assert (again.status_code, again.json()) == (200, read)
    archived = (await notify.post(f"/v1/inbox/{oldest}/archive", headers=METTE)).json()
    assert archived["archived_at"]
    assert archived["read_at"]

    page = (await notify.get("/v1/inbox", headers=METTE)).json()
    assert (page["unread"], len(page["items"])) == (1, 2)
    only = (await notify.get("/v1/inbox", headers=METTE, params={"unread": "true"})).json()["items"]
    assert len(only) == 1
    put_away = (await notify.get("/v1/inbox", headers=METTE, params={"archived": "true"})).json()["items"]
    assert [each["id"] for each in put_away] == [oldest]
    assert (await notify.post("/v1/inbox/read-all", headers=METTE)).json() == {"read": 1}
    assert (await notify.post("/v1/inbox/read-all", headers=METTE)).json() == {"read": 0}


async def test_the_inbox_is_given_a_page_at_a_time(notify: Client) -> None:
    await three_confirmations(notify)
    first = (await notify.get("/v1/inbox", headers=METTE, params={"limit": "2"})).json()
    rest = (await notify.get("/v1/inbox", headers=METTE, params={"limit": "2", "cursor": first["next_cursor"]})).json()
    assert [len(first["items"]), len(rest["items"])] == [2, 1]
    assert rest["next_cursor"] is None
    assert not {each["id"] for each in first["items"]} & {each["id"] for each in rest["items"]}
    forged = await notify.get("/v1/inbox", headers=METTE, params={"cursor": "AAAA"})
    assert (forged.status_code, forged.json()["errors"][0]["pointer"]) == (422, "?cursor")


async def test_who_is_not_known_yet_has_an_empty_inbox(notify: Client) -> None:
    answer = await notify.get("/v1/inbox", headers=as_caller("member", email="new@example.org"))
    assert answer.json() == {"items": [], "next_cursor": None, "unread": 0}


async def test_the_mailed_link_opens_the_same_inbox_until_it_is_revoked(notify: Client) -> None:
    await three_confirmations(notify)
    mette = await contact(notify, "mette@example.org")
    key = links.key(Purpose.CONTACT, mette.id, 1)
    assert (await notify.get("/v1/inbox", params={"key": key})).json()["unread"] == 3
    old = await notify.get("/v1/inbox", params={"key": links.key(Purpose.CONTACT, mette.id, 0)})
    assert (old.status_code, old.json()["type"]) == (410, "/problems/link-expired")
    over = links.key(Purpose.CONTACT, mette.id, 1, utc_now() - timedelta(seconds=1))
    assert (await notify.get("/v1/inbox", params={"key": over})).status_code == 410


async def test_nobody_sees_the_inbox_of_another(notify: Client) -> None:
    await three_confirmations(notify)
    mette = await contact(notify, "mette@example.org")
    mine = (await notify.get("/v1/inbox", headers=METTE)).json()["items"][0]["id"]
    other = as_caller("admin", email="secretariat@example.org")
    assert (await notify.get("/v1/inbox", headers=other)).json()["items"] == []
    for action in ("read", "archive"):
        assert (await notify.post(f"/v1/inbox/{mine}/{action}", headers=other)).status_code == 404
    assert (await notify.get("/v1/inbox")).status_code == 401
    for purpose, thing in ((Purpose.REGISTRATION, mette.id), (Purpose.CONTACT, UUID(int=1))):
        key = links.key(purpose, thing, 1)
        assert (await notify.get("/v1/inbox", params={"key": key})).status_code == 404


async def test_a_capital_letter_is_no_other_address(notify: Client) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund", email="JENS@Example.org")))
    await tell(notify, registered(event, attendee("Jens Lund"), reference="KLB-2"))
    items = (await notify.get("/v1/inbox", headers=as_caller("member", email="jens@example.org"))).json()["items"]
    assert len(items) == 2


async def test_names_given_by_others_do_not_replace_one_s_own(notify: Client) -> None:
    event = published()
    await tell(notify, event, registered(event))
    prank = attendee("Den Forkerte", email="mette@example.org", language="en")
    jens = {"name": "Jens Lund", "email": "jens@example.org", "language": "da"}
    await tell(notify, registered(event, prank, contact=jens, reference="KLB-2"))
    mette = await contact(notify, "mette@example.org")
    assert (mette.name, mette.language) == ("Mette Holm", "da")


async def test_a_stranger_who_types_an_address_neither_renames_nor_translates_its_owner(notify: Client) -> None:
    event = published()
    await tell(notify, event, registered(event, attendee("Jens Lund")))
    typed = ContactPerson(name="IDIOT", email="METTE@example.org", language="en")
    one = OrganisationContact(name="IDIOT", email="mette@example.org", language="en")
    organisation = uuid7()
    await tell(
        notify,
        registered(event, attendee("Ida Krogh"), contact=typed, reference="X"),
        ProfileLinkRequested(
            organisation_id=organisation, version=1, name="X", link_version=1, recipient=one, reason="claimed"
        ),
        published(slug="et-andet", contact=EventContact(name="IDIOT", email="mette@example.org", language="en")),
    )
    mette = await contact(notify, "mette@example.org")
    assert (mette.name, mette.language) == ("Mette Holm", "da")
    await tell(notify, registered(event, attendee("Bo Dahl"), contact=typed, contact_speaks=True, reference="Y"))
    mette = await contact(notify, "mette@example.org")
    assert (mette.name, mette.language) == ("IDIOT", "en"), "by a token or a mailed link"
