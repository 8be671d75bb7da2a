"""Why a profile is proposed: the pairs and the words that make its score, with shares that add up to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np

from services.matching.similarity.calculation import Calculation, Likeness, PairFit, Part, WordFit
from services.matching.similarity.inverted_index.columns import MARK
from services.matching.similarity.inverted_index.matrices import Floats
from services.matching.similarity.profile import Fit, Ground, Profile, Reason, Statement, Suggestion, Tie
from services.matching.similarity.reasons.alignment import Alignment, Hit, shared_word, tells
from services.matching.similarity.scoring.evidence import Evidence
from services.matching.similarity.scoring.likeness import Example, shared
from services.matching.similarity.scoring.query import Clause
from services.matching.similarity.scoring.scores import Scores, score_of

SMALL = 0.02  # of the score: such a pair is told without its words
MARKED = {f"{MARK}sector:": Ground.SECTORS, f"{MARK}focus_area:": Ground.FOCUS_AREAS}

Texts = tuple[Sequence[str], Sequence[str]]  # of the one that asks, and of the other side


@dataclass(frozen=True, slots=True)
class StatementPair:
    """A statement of the one that asks, one of the other side, and their part of the score."""

    mine: int
    theirs: int
    share: float


@dataclass(frozen=True)
class Explainer:
    """Explains suggestions of one segment to the one that asks."""

    evidence: Evidence
    asker: UUID | None

    @property
    def scores(self) -> Scores:
        return self.evidence.scores

    def explained(self, place: int, *, full: bool) -> Suggestion:
        """The suggestion of one profile, its score taken apart; `full` with the whole calculation."""
        score = score_of(float(self.evidence.total[place]), self.scores.recipe)
        fit = self._fit(place, score)
        reasons = [
            *self._their_offers(place, fit.their_offers_my_needs, score),
            *self._my_offers(place, fit.my_offers_their_needs, score),
            *self._ground(place, fit.common_ground),
            *self._alike(place, fit.alike, score),
            *self._partnerships(place, fit.partnerships),
        ]
        reasons.sort(key=lambda one: -one.share)
        other = self.scores.segment.profiles[place].id
        return Suggestion(other, score, fit, tuple(reasons), self.calculated(place) if full else None)

    def _fit(self, place: int, score: float) -> Fit:
        scores, weights, evidence = self.scores, self.scores.weights, float(self.evidence.total[place])
        scale, history = score / evidence, float(self.evidence.history[place])
        own = scale * float(self.evidence.confirmed[place]) * float(scores.kinds[place])
        return Fit(
            own * weights.their_offers * float(scores.their_offers[place]),
            own * weights.my_offers * float(scores.my_offers[place]),
            own * weights.ground * float(scores.ground[place]),
            scale * float(self.evidence.alike[place]),
            score * (1 - 1 / history),
        )

    def calculated(self, place: int) -> Calculation:
        """Every number a score is made of."""
        found, scores = self.evidence, self.scores
        likeness = (
            Likeness(one.profile.id, one.liked, one.weight, float(cosine))
            for one, cosine in zip(found.examples, found.likeness[:, place], strict=True)
            if cosine > 0
        )
        recipe = scores.recipe
        return Calculation(
            kinds=float(scores.kinds[place]),
            their_offers_my_needs=Part(scores.weights.their_offers, float(scores.their_offers[place])),
            my_offers_their_needs=Part(scores.weights.my_offers, float(scores.my_offers[place])),
            common_ground=Part(scores.weights.ground, float(scores.ground[place])),
            pair_power=recipe.pair_power,
            pairs=(*self._pairs(self._offers, place), *self._pairs(self._needs, place)),
            words=self._words(self._about, 0, self._about.field.units_of(place).start),
            confirmed=float(found.confirmed[place]),
            likeness=tuple(likeness),
            partnerships=int(scores.segment.partnerships[place]) if found.partnerships else 0,
            history=float(found.history[place]),
            evidence=float(found.total[place]),
            half_score=recipe.half_score,
            score_power=recipe.score_power,
        )

    def _pairs(self, alignment: Alignment, place: int) -> Iterator[PairFit]:
        """Every statement of mine with every one of theirs that it hits at all."""
        asks_needs = alignment is self._offers
        held = self.scores.offers_for_needs if asks_needs else self.scores.needs_for_offers
        profile, other = self.scores.query.profile, self.scores.segment.profiles[place]
        mine, theirs = (profile.needs, other.offers) if asks_needs else (profile.offers, other.needs)
        units = alignment.field.units_of(place)
        for at, one in enumerate(mine):
            for unit, two in zip(units, theirs, strict=True):
                if held[at, unit] > 0:
                    need, offer = (one, two) if asks_needs else (two, one)
                    words = self._words(alignment, at, unit)
                    fitness = float(held[at, unit]) / sum(word.value for word in words)
                    yield PairFit(need.id, offer.id, asks_needs, float(held[at, unit]), fitness, words)

    def _words(self, alignment: Alignment, mine: int, theirs: int) -> tuple[WordFit, ...]:
        hits = alignment.hits(mine, theirs, most=None)
        both = sorted([*hits.marks, *hits.words], key=lambda one: -one.value)
        return tuple(WordFit(one.mine.written, one.mine.code, one.key, one.value) for one in both)

    @cached_property
    def _offers(self) -> Alignment:
        return self._aligned("offers", self.scores.query.needs)

    @cached_property
    def _needs(self) -> Alignment:
        return self._aligned("needs", self.scores.query.offers)

    @cached_property
    def _about(self) -> Alignment:
        return self._aligned("about", self.scores.query.about)

    def _aligned(self, field: str, clause: Clause) -> Alignment:
        segment = self.scores.segment
        return Alignment(clause, self.scores.expansions[field], segment, segment.fields[field])

    def _their_offers(self, place: int, share: float, score: float) -> Iterator[Reason]:
        """The best offer of theirs for each need of mine."""
        units = self._offers.field.units_of(place)
        if share <= 0:
            return
        held = self.scores.offers_for_needs[:, units.start : units.stop]
        best = held.argmax(axis=1)
        other = self.scores.segment.profiles[place]
        for need, part in self._parts(held.max(axis=1)):
            pair = StatementPair(need, units.start + int(best[need]), part * share)
            mine, theirs = self.scores.query.profile.needs[need], other.offers[int(best[need])]
            ties = self._ties(self._offers, pair, mine, theirs, score)
            yield _reason(Ground.THEIR_OFFER, pair.share, ties, (mine, self.asker), (theirs, other.id))

    def _my_offers(self, place: int, share: float, score: float) -> Iterator[Reason]:
        """My best offer for each need of theirs."""
        units = self._needs.field.units_of(place)
        if share <= 0:
            return
        held = self.scores.needs_for_offers[:, units.start : units.stop]
        best = held.argmax(axis=0)
        other = self.scores.segment.profiles[place]
        for need, part in self._parts(held.max(axis=0)):
            pair = StatementPair(int(best[need]), units.start + need, part * share)
            mine, theirs = self.scores.query.profile.offers[int(best[need])], other.needs[need]
            ties = self._ties(self._needs, pair, mine, theirs, score)
            yield _reason(Ground.MY_OFFER, pair.share, ties, (theirs, other.id), (mine, self.asker))

    def _parts(self, values: Floats) -> Iterator[tuple[int, float]]:
        """The share of each of `(needs,)` in their p-norm, where it has one."""
        raised = values.astype(np.float64) ** self.scores.recipe.pair_power
        total = raised.sum()
        return ((int(at), float(raised[at] / total)) for at in np.flatnonzero(raised))

    def _ties(
        self, alignment: Alignment, pair: StatementPair, mine: Statement, theirs: Statement, score: float
    ) -> tuple[Tie, ...]:
        if pair.share < SMALL * score:
            return ()
        hits = alignment.hits(pair.mine, pair.theirs)
        both = sorted([*hits.marks, *hits.words], key=lambda one: -one.value)
        return self._shown(alignment, both, pair.share / hits.value, (mine.texts, theirs.texts), hits.value)

    def _shown(
        self, alignment: Alignment, hits: Sequence[Hit], factor: float, texts: Texts, value: float
    ) -> tuple[Tie, ...]:
        """The strongest ties of a reason of this value."""
        least = self.scores.recipe.tie_least * value
        chosen = [one for one in hits if one.value >= least and not one.is_weak]
        return tuple(alignment.tie(one, factor, *texts) for one in chosen[: self.scores.recipe.ties_shown])

    def _ground(self, place: int, share: float) -> Iterator[Reason]:
        """Common ground by what it rests on: sectors, focus areas, words of both texts."""
        if share <= 0:
            return
        hits = self._about.hits(0, self._about.field.units_of(place).start)
        factor = share / hits.value
        for prefix, ground in MARKED.items():
            ties = tuple(self._about.tie(one, factor, (), ()) for one in hits.marks if one.key.startswith(prefix))
            if ties:
                yield Reason(ground, sum(tie.share for tie in ties), ties)
        if hits.worded > 0:
            texts = said_by(self.scores.query.profile), said_by(self.scores.segment.profiles[place])
            ties = self._shown(self._about, hits.words, factor, texts, hits.worded)
            told = hits.worded * factor
            yield Reason(Ground.TEXT, told, ties, rest_of(told, ties))

    def _alike(self, place: int, share: float, score: float) -> Iterator[Reason]:
        """Whom of the examples it resembles, and by which words."""
        if share <= 0:
            return
        examples, cosines = self.evidence.examples, self.evidence.likeness[:, place]
        given = np.array([one.weight for one in examples]) * cosines
        for at in np.flatnonzero(given).tolist():
            part = share * float(given[at] / given.sum())
            ties = self._resembling(examples[at], place, part) if part >= SMALL * score else ()
            like = examples[at].profile.id
            yield Reason(Ground.ALIKE, part, ties, rest_of(part, ties), like=like, liked=examples[at].liked)

    def _resembling(self, one: Example, place: int, share: float) -> tuple[Tie, ...]:
        """The words that an example and a profile share."""
        segment, recipe = self.scores.segment, self.scores.recipe
        both = shared(one, segment, place)
        whole = sum(both.values())
        texts = said_by(one.profile), said_by(segment.profiles[place])
        strongest = sorted(both, key=lambda key: -both[key])[: recipe.ties_shown]
        chosen = [key for key in strongest if both[key] >= recipe.tie_least * whole and tells(key)]
        return tuple(shared_word(key, share * both[key] / whole, *texts) for key in chosen)

    def _partnerships(self, place: int, share: float) -> Iterator[Reason]:
        if share > 0:
            many = int(self.scores.segment.partnerships[place])
            yield Reason(Ground.PARTNERSHIPS, share, rest=share, partnerships=many)


def said_by(profile: Profile) -> list[str]:
    """All texts of what an organisation says as a whole, to everybody."""
    return [*profile.texts, *(text for one in profile.offers if one.public for text in one.texts)]


def rest_of(share: float, ties: Sequence[Tie]) -> float:
    return max(0.0, share - sum(tie.share for tie in ties))


def _reason(
    ground: Ground,
    share: float,
    ties: tuple[Tie, ...],
    need: tuple[Statement, UUID | None],
    offer: tuple[Statement, UUID | None],
) -> Reason:
    rest, covers = rest_of(share, ties), covered(need[0], offer[0])
    return Reason(ground, share, ties, rest, need[0].id or None, need[1], offer[0].id or None, offer[1], covers)


def covered(need: Statement, offer: Statement) -> float | None:
    """How much of the amount needed is offered, at most 1; None where they cannot be compared."""
    if not need.stream or need.stream != offer.stream or need.amount is None or offer.amount is None:
        return None
    if need.amount.measure != offer.amount.measure:
        return None
    return min(offer.amount.value / need.amount.value, 1.0)
