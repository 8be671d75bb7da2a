"""Who is proposed to whom, and why."""

import math
import sys
from dataclasses import astuple, replace
from subprocess import run
from threading import Thread
from uuid import uuid4

import pytest

from services.matching.similarity import Ground, Index, Profile, Suggestion, Wanted
from tests.matching.similarity.organisations import (
    CLUSTER,
    HEARING,
    PILOT_PLANT,
    POWER_STATION,
    SILENT,
    YEAST,
    need,
    offer,
    organisation,
)


@pytest.fixture(scope="module")
def index() -> Index:
    return Index.build(CLUSTER)


def recomputed(suggestion: Suggestion) -> float:
    return math.fsum(math.fsum([*(tie.share for tie in reason.terms), reason.rest]) for reason in suggestion.reasons)


def test_a_danish_startup_meets_the_english_pilot_plant_first_and_is_told_why(index: Index) -> None:
    first = index.suggest(YEAST.id)[0]
    assert first.profile_id == PILOT_PLANT.id
    reason = next(one for one in first.reasons if one.ground is Ground.THEIR_OFFER)
    assert (reason.need_id, reason.offer_id) == (YEAST.needs[0].id, PILOT_PLANT.offers[0].id)
    assert (reason.need_owner, reason.offer_owner) == (YEAST.id, PILOT_PLANT.id)
    assert ("fermentering", "fermentation") in [(tie.yours, tie.theirs) for tie in reason.terms]


def test_the_other_side_is_told_the_same_pair(index: Index) -> None:
    first = index.suggest(PILOT_PLANT.id)[0]
    assert first.profile_id == YEAST.id
    reason = next(one for one in first.reasons if one.ground is Ground.MY_OFFER)
    assert (reason.need_id, reason.offer_id) == (YEAST.needs[0].id, PILOT_PLANT.offers[0].id)


def test_shares_add_up_to_the_score(index: Index) -> None:
    answers = [*index.suggest(YEAST.id), *index.suggest(HEARING.id), *index.search("damp og fermentation")]
    assert answers
    for one in answers:
        assert 0 < one.score < 1
        assert recomputed(one) == pytest.approx(one.score, rel=1e-5)
        assert sum(reason.share for reason in one.reasons) == pytest.approx(one.score, rel=1e-5)
        assert sum(astuple(one.fit)) == pytest.approx(one.score, rel=1e-6)


def test_steam_offered_meets_steam_needed_even_without_a_common_word(index: Index) -> None:
    brewery = organisation(
        "producer", needs=(need("Energi til kogning", "resource", stream="steam"),), sectors=frozenset()
    )
    first = index.apply([brewery], []).suggest(brewery.id)[0]
    assert first.profile_id == POWER_STATION.id
    assert first.reasons[0].terms[0].yours == "steam"


def test_who_wants_to_be_rid_of_something_meets_who_takes_it() -> None:
    dairy = organisation("producer", needs=(need("Aftager søges", "resource", stream="biomass", direction="out"),))
    plant = organisation("producer", offers=(offer("Vi bruger det", "resource", stream="biomass", direction="in"),))
    seller = organisation("producer", offers=(offer("Har for meget", "resource", stream="biomass"),))
    assert [one.profile_id for one in Index.build([dairy, plant, seller]).suggest(dairy.id)] == [plant.id]


def test_nobody_meets_itself_its_parent_or_the_other_units_of_its_parent() -> None:
    text = "Forskning i enzymer og fermentering"
    university, stranger = organisation("research", text), organisation("producer", text)
    units = [organisation("research", text, parent=university.id) for _ in range(2)]
    index = Index.build([university, *units, stranger])
    for one in (university, *units):
        assert [found.profile_id for found in index.suggest(one.id)] == [stranger.id]
    late = organisation("research", text, parent=university.id)
    assert [found.profile_id for found in index.apply([late], []).suggest(units[0].id)] == [stranger.id]


def test_kinds_that_complement_each_other_come_first() -> None:
    text = "Enzymer til foder"
    startup, rival, producer = (organisation(kind, text) for kind in ("startup", "startup", "producer"))
    found = Index.build([startup, rival, producer]).suggest(startup.id)
    assert [one.profile_id for one in found] == [producer.id, rival.id]


def test_who_says_nothing_gets_no_suggestions_and_is_suggested_to_nobody(index: Index) -> None:
    assert index.suggest(SILENT.id) == []
    assert all(one.profile_id != SILENT.id for one in index.suggest(YEAST.id))
    assert index.suggest(uuid4()) == []
    assert Index.build([]).search("fermentering") == []


def test_a_summary_alone_is_common_ground() -> None:
    danish, english = (
        organisation("startup", "Rensning af spildevand"),
        organisation("producer", "Wastewater treatment"),
    )
    first = Index.build([danish, english]).suggest(danish.id)[0]
    assert first.fit.common_ground == pytest.approx(first.score)
    assert first.reasons[0].ground is Ground.TEXT


def test_an_unpublished_profile_may_ask_but_is_never_suggested(index: Index) -> None:
    hidden = replace(YEAST, id=uuid4(), published=False)
    later = index.apply([hidden], [])
    assert later.suggest(hidden.id, Wanted(without=frozenset({YEAST.id})))[0].profile_id == PILOT_PLANT.id
    assert all(one.profile_id != hidden.id for one in later.suggest(PILOT_PLANT.id))


def test_a_need_for_members_only_counts_only_for_those_who_may_see_it() -> None:
    giver = organisation("research", offers=(offer("Massespektrometri af peptider"),))
    taker = organisation("startup", needs=(need("Massespektrometri", public=False),))
    index = Index.build([giver, taker])
    assert index.suggest(giver.id)[0].profile_id == taker.id
    assert index.suggest(giver.id, Wanted(members_parts=False)) == []


def test_filters_leave_only_what_is_asked_for(index: Index) -> None:
    def found(**filters: object) -> set[object]:
        return {one.profile_id for one in index.suggest(YEAST.id, Wanted(**filters))}  # type: ignore[arg-type]  # filters

    everybody = found()
    assert found(kinds=frozenset({"supplier"})) == {PILOT_PLANT.id}
    assert found(categories=frozenset({"facility"})) <= {PILOT_PLANT.id, HEARING.id}
    assert found(among=frozenset({HEARING.id, SILENT.id})) <= {HEARING.id}
    assert found(without=frozenset({PILOT_PLANT.id})) == everybody - {PILOT_PLANT.id}
    assert found(hub="odense") == set()
    assert len(index.suggest(YEAST.id, Wanted(limit=1))) == 1


def test_a_search_finds_the_offer_in_the_other_language(index: Index) -> None:
    first = index.search("Who can supply process steam?")[0]
    assert first.profile_id == POWER_STATION.id
    reason = first.reasons[0]
    assert (reason.need_id, reason.need_owner, reason.offer_id) == (None, None, POWER_STATION.offers[0].id)
    assert any(tie.theirs == "Procesdamp" for tie in reason.terms)


def test_a_change_shows_at_once_and_the_older_index_stays_as_it_was(index: Index) -> None:
    changed = replace(HEARING, texts=("Vi forsker i tang og alger.",))
    later = index.apply([changed], [PILOT_PLANT.id])
    assert later.search("tang")[0].profile_id == HEARING.id
    assert PILOT_PLANT.id not in later
    assert PILOT_PLANT.id in index
    assert index.search("tang og alger", Wanted(among=frozenset({HEARING.id}))) == []
    assert len(later) == len(CLUSTER) - 1


def test_changes_give_the_same_partners_as_an_index_built_anew(index: Index) -> None:
    later = index.apply([replace(SILENT, texts=("Gær og fermentering",))], [HEARING.id])
    anew = later.rebuilt()
    for asking in (YEAST, PILOT_PLANT, POWER_STATION):
        changed = [one.profile_id for one in later.suggest(asking.id)]
        assert changed == [one.profile_id for one in anew.suggest(asking.id)]


def test_an_index_with_many_changes_asks_to_be_built_anew(index: Index) -> None:
    many = [organisation("startup", f"Enzym nummer {number}") for number in range(201)]
    assert not index.stale
    assert index.apply(many, []).stale
    assert not index.apply(many, []).rebuilt().stale


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "🧬🧪",
        "生物技术和发酵",
        "الهندسة الحيوية",
        "Ферментация и сточные воды",
        "of the and",
        "x",
        "æ" * 5_000,
        "fermentering " * 10_000,
        " ".join(f"ord{number}" for number in range(10_000)),
        "a\u0300\u0301\u0302 \u202e \ufeff",
        "-- ' \" | : [ ( *",
    ],
)
def test_text_of_any_kind_breaks_nothing(index: Index, text: str) -> None:
    strange = Profile(uuid4(), "startup", (text,), (offer(text),), (need(text),))
    later = index.apply([strange], [])
    for one in (*later.suggest(strange.id), *later.search(text), *later.suggest(YEAST.id)):
        assert recomputed(one) == pytest.approx(one.score, rel=1e-4)


def test_readers_are_answered_while_another_thread_applies_changes(index: Index) -> None:
    expected = index.suggest(YEAST.id)
    now, wrong = [index], []

    def change() -> None:
        for number in range(40):
            now[0] = now[0].apply([organisation("startup", f"helt nyt ord{number} om emne{number}")], [])

    writer = Thread(target=change)
    writer.start()
    while writer.is_alive():
        held = now[0]
        if index.suggest(YEAST.id) != expected or held.suggest(YEAST.id)[0].profile_id != PILOT_PLANT.id:
            wrong.append(len(held))
    writer.join()
    assert not wrong
    assert len(now[0]) == len(CLUSTER) + 40


def test_nothing_heavy_is_loaded_before_the_first_index_is_built() -> None:
    program = "import sys, services.matching.similarity; sys.exit(bool({'numpy', 'scipy', 'sklearn'} & {*sys.modules}))"
    assert run([sys.executable, "-c", program], check=False).returncode == 0
