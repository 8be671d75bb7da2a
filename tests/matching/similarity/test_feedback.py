"""What is known of people's answers, of partnerships and of houses moves a list, and every number can be told."""

import math

import pytest

from services.matching.similarity import Amount, Ground, Index, Profile, Suggestion, Wanted
from tests.matching.similarity.organisations import CLUSTER, PILOT_PLANT, YEAST, need, offer, organisation


def order(found: list[Suggestion], *among: Profile) -> list[Profile]:
    names = {one.id: one for one in among}
    return [names[one.profile_id] for one in found if one.profile_id in names]


def odds(one: Suggestion) -> float:
    """They grow as the evidence does; a score near 1 hardly grows any more."""
    return one.score / (1 - one.score)


def test_a_yes_moves_those_like_the_partner_up_and_says_so() -> None:
    asks = organisation("startup", "Vi udvikler enzymer og søger hjælp.")
    liked = organisation("research", "Enzymer og massespektrometri af peptider.")
    alike = organisation("research", "Enzymer, massespektrometri og peptider.")
    other = organisation("research", "Enzymer, keramik og glasur.")
    index = Index.build([asks, liked, alike, other, *CLUSTER])
    before = {one.profile_id: odds(one) for one in index.suggest(asks.id)}
    after = {one.profile_id: one for one in index.suggest(asks.id, Wanted(liked=frozenset({liked.id})))}
    assert odds(after[alike.id]) / before[alike.id] > odds(after[other.id]) / before[other.id]
    reason = next(one for one in after[alike.id].reasons if one.ground is Ground.ALIKE and one.liked)
    assert reason.like == liked.id
    assert {"massespektrometri", "peptider"} <= {tie.yours for tie in reason.terms}


def test_nobody_hears_of_a_partner_through_those_like_it_that_it_may_not_hear_of() -> None:
    asks = organisation("startup", "Enzymer til foder")
    refused, hidden = (
        organisation("producer", "Enzymer til foder og korn"),
        organisation("producer", "Enzymer til foder og majs", published=False),
    )
    others = [organisation("producer", f"Enzymer {word}") for word in ("korn", "majs", "hvede")]
    index = Index.build([asks, refused, hidden, *others])
    found = index.suggest(asks.id, Wanted(without=frozenset({refused.id}), liked=frozenset({refused.id, hidden.id})))
    assert {reason.like for one in found for reason in one.reasons}.isdisjoint({refused.id, hidden.id})


def test_known_partnerships_count_with_a_bound_and_can_be_switched_off() -> None:
    asks = organisation("startup", "Rensning af spildevand")
    few, many, most = (
        organisation("producer", f"Spildevand {word}", partnerships=number)
        for word, number in (("beton", 0), ("papir", 20), ("glas", 900))
    )
    index = Index.build([asks, few, many, most])
    found = {one.profile_id: one for one in index.suggest(asks.id)}
    assert found[many.id].score > found[few.id].score
    assert found[most.id].fit.partnerships == pytest.approx(found[many.id].fit.partnerships, rel=0.1)
    reason = next(one for one in found[most.id].reasons if one.ground is Ground.PARTNERSHIPS)
    assert reason.partnerships == 900
    assert reason.share == pytest.approx(found[most.id].fit.partnerships)
    for one in index.suggest(asks.id, Wanted(partnerships=False)):
        assert one.fit.partnerships == 0
        assert Ground.PARTNERSHIPS not in {each.ground for each in one.reasons}


def test_the_units_of_one_house_and_near_copies_do_not_fill_the_list() -> None:
    asks = organisation("startup", "Fermentering af gær")
    university = organisation("research")
    units = [
        organisation("research", f"Fermentering af gær og {word}", parent=university.id)
        for word in ("malt", "vin", "øl", "brød", "most")
    ]
    copies = [organisation("producer", "Fermentering af gær til bagere og bryggere i hele landet") for _ in range(4)]
    plain = organisation("supplier", "Tanke til gær")
    index = Index.build([asks, university, *units, *copies, plain])
    three = order(index.suggest(asks.id, Wanted(limit=3)), *units, *copies, plain)
    assert [sum(one in some for one in three) for some in (units, copies, [plain])] == [1, 1, 1]
    assert plain not in order(index.suggest(asks.id, Wanted(limit=3, diverse=False)), plain)
    all_of_them = index.suggest(asks.id, Wanted(limit=20))
    assert len(all_of_them) == len(units) + len(copies) + 1
    assert [one.score for one in all_of_them] == sorted((one.score for one in all_of_them), reverse=True)


def test_who_offers_all_that_is_needed_comes_before_who_offers_a_part() -> None:
    def steam(amount: float, kind: str = "producer") -> Profile:
        tonnes = Amount("mass a year", amount)
        return organisation(kind, offers=(offer("Damp fra kedlen", "resource", stream="steam", amount=tonnes),))

    asks = organisation(
        "producer",
        needs=(need("Damp til tørring", "resource", stream="steam", amount=Amount("mass a year", 1000.0)),),
    )
    little, half, enough = steam(10), steam(500), steam(1200)
    index = Index.build([asks, little, half, enough])
    found = index.suggest(asks.id)
    assert order(found, little, half, enough) == [enough, half, little]
    covers = {one.profile_id: reason.covers for one in found for reason in one.reasons if reason.covers is not None}
    assert covers == {enough.id: 1.0, half.id: 0.5, little.id: 0.01}
    gives = next(one for one in index.suggest(half.id) if one.profile_id == asks.id)
    assert [one.covers for one in gives.reasons if one.ground is Ground.MY_OFFER] == [0.5]


def test_an_offer_for_members_counts_only_for_those_who_may_see_it_and_in_no_other_ground() -> None:
    taker = organisation("startup", "Massespektrometri", needs=(need("Massespektrometri"),))
    giver = organisation("research", offers=(offer("Massespektrometri af peptider", public=False),))
    index = Index.build([taker, giver])
    assert {one.ground for one in index.suggest(taker.id)[0].reasons} == {Ground.THEIR_OFFER}
    assert index.suggest(taker.id, Wanted(members_parts=False)) == []
    assert [one.profile_id for one in index.search("massespektrometri")] == [taker.id]


def test_what_the_reader_may_not_see_of_who_asks_counts_for_nothing() -> None:
    asks = organisation("startup", needs=(need("Massespektrometri", public=False),))
    giver = organisation("research", offers=(offer("Massespektrometri af peptider"),))
    index = Index.build([asks, giver])
    assert index.suggest(asks.id)[0].profile_id == giver.id
    assert index.suggest(asks.id, Wanted(own_parts=False)) == []


@pytest.mark.parametrize("asker", [YEAST, PILOT_PLANT])
def test_the_whole_calculation_gives_the_score_again(asker: Profile) -> None:
    index = Index.build([*CLUSTER, *(organisation("research", f"Gær og fermentering {word}") for word in "abcd")])
    found = index.suggest(asker.id, Wanted(liked=frozenset({CLUSTER[2].id}), full=True))
    assert found
    for one in found:
        done = one.calculation
        assert done is not None
        by_need: dict[tuple[str, bool], float] = {}
        for pair in done.pairs:
            assert pair.value == pytest.approx(pair.fitness * math.fsum(word.value for word in pair.words), rel=1e-5)
            key = pair.need_id, pair.need_is_mine
            by_need[key] = max(by_need.get(key, 0.0), pair.value)
        for part, mine in ((done.their_offers_my_needs, True), (done.my_offers_their_needs, False)):
            powers = [value**done.pair_power for (_, is_mine), value in by_need.items() if is_mine is mine]
            assert part.value == pytest.approx(math.fsum(powers) ** (1 / done.pair_power), rel=1e-4)
        assert done.common_ground.value == pytest.approx(math.fsum(word.value for word in done.words), rel=1e-4)
        parts = (done.their_offers_my_needs, done.my_offers_their_needs, done.common_ground)
        direct = done.kinds * math.fsum(part.weight * part.value for part in parts)
        alike = done.kinds * math.fsum(each.weight * each.cosine for each in done.likeness)
        evidence = done.history * (done.confirmed * direct + alike)
        assert evidence == pytest.approx(done.evidence, rel=1e-4)
        assert one.score == pytest.approx(1 / (1 + (done.half_score / evidence) ** done.score_power), rel=1e-4)
    assert all(one.calculation is None for one in index.suggest(asker.id))
