"""Each line of docs/who-is-who.md."""

from typing import Any
from uuid import UUID

from tests.events.builders import counted, knows, published, statuses
from tests.support.services import Client


async def counts_for(client: Client, email: str, name: str, **said: Any) -> dict[str, Any]:
    """What a sign-up that was confirmed counts for."""
    contact = {"name": "Nogen", "email": email}
    made = await counted(client, await published(client), organisation={"name": name, **said}, contact=contact)
    assert statuses(made) == ["confirmed"]
    organisation: dict[str, Any] = made["organisation"]
    return organisation


async def test_a_small_company_at_its_own_domain_and_its_second_employee(client: Client) -> None:
    own = await counts_for(client, "mette@fjordenzym.dk", "Fjordenzym ApS", website="https://fjordenzym.dk")
    assert own["recognised"] == "proven"
    # As matching tells it, once her link has proven the domain.
    await knows(client, "Fjordenzym ApS", "fjordenzym.dk", organisation_id=UUID(own["id"]))
    assert (await counts_for(client, "bo@fjordenzym.dk", "Fjordenzym"))["id"] == own["id"]


async def test_a_sole_trader_at_gmail(client: Client) -> None:
    one, other = [await counts_for(client, f"{who}@gmail.com", "Inges Insekter") for who in ("inge", "knud")]
    assert one["recognised"] == other["recognised"] == "proven"
    assert one["id"] != other["id"]


async def test_a_researcher_of_a_department_and_a_student(client: Client) -> None:
    dtu = await knows(client, "DTU", "dtu.dk", kind="research")
    food = await knows(client, "Fødevareinstituttet", kind="research", parent=UUID(dtu))
    assert (await counts_for(client, "s@dtu.dk", "DTU", unit="Fødevareinstituttet"))["id"] == food
    unknown = await counts_for(client, "t@dtu.dk", "DTU", unit="Et nyt institut")
    assert (unknown["id"], unknown["unit"]) == (dtu, "Et nyt institut")
    assert (await counts_for(client, "s123@student.dtu.dk", "DTU"))["id"] != dtu


async def test_a_hospital_doctor_at_the_regions_domain(client: Client) -> None:
    region = await knows(client, "Region Hovedstaden", "regionh.dk", kind="public")
    hospital = await knows(client, "Rigshospitalet", kind="public", parent=UUID(region))
    assert (await counts_for(client, "d@regionh.dk", "Rigshospitalet"))["id"] == hospital


async def test_a_municipal_employee(client: Client) -> None:
    municipality = await knows(client, "Kalundborg Kommune", "kalundborg.dk", kind="public")
    assert (await counts_for(client, "k@kalundborg.dk", "Kalundborg kommune"))["id"] == municipality


async def test_a_subsidiary_abroad(client: Client) -> None:
    stor = await knows(client, "Stor", "stor.com", cvr="24256790", cvr_proven=True)
    there = await counts_for(client, "a@stor.com", "Stor AB", cvr="556703-7485", country="SE")
    assert (there["recognised"], there["id"] != stor) == ("proven", True)


async def test_two_companies_in_one_incubator(client: Client) -> None:
    hub = await knows(client, "Væksthuset", "vaeksthuset.dk")
    found = [await counts_for(client, f"a@{'vaeksthuset.dk'}", name) for name in ("Alger ApS", "Bakterier ApS")]
    assert len({hub, *(each["id"] for each in found)}) == 3
    assert [each["name"] for each in found] == ["Alger ApS", "Bakterier ApS"]


async def test_a_company_that_changed_its_name_and_domain(client: Client) -> None:
    novonesis = await knows(client, "Novonesis", "novonesis.com", "novozymes.com")
    for domain in ("novonesis.com", "novozymes.com"):
        assert (await counts_for(client, f"m@{domain}", "Novonesis"))["id"] == novonesis


async def test_a_stranger_and_nobody_in_the_secretariat_for_a_month(client: Client) -> None:
    dhi = await knows(client, "DHI", "dhigroup.com", cvr="24256790", cvr_proven=True)
    known = await counts_for(client, "eve@gmail.com", "DHI", cvr="24256790")
    assert (known["recognised"], known["id"] != dhi) == ("stated", True)
    namesake = await counts_for(client, "ida@gmail.com", "DHI A/S")
    assert (namesake["recognised"], namesake["id"] != dhi) == ("proven", True)
