"""Why a profile is proposed: the pairs and the words that make its score, with shares that add up to it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import numpy as np

from services.matching.similarity.columns import MARK
from services.matching.similarity.matrices import Floats
from services.matching.similarity.profile import Ground, Profile, Reason, Statement, Suggestion, Tie
from services.matching.similarity.question import Asked
from services.matching.similarity.ranking import Scores, score_of
from services.matching.similarity.ties import Contact, Meeting

SMALL = 0.02  # of the score: such a pair is told without its words
MARKED = {f"{MARK}sector:": Ground.SECTORS, f"{MARK}focus_area:": Ground.FOCUS_AREAS}

Texts = tuple[Sequence[str], Sequence[str]]  # of the one that asks, and of the other side


@dataclass(frozen=True, slots=True)
class Pair:
    """A statement of the one that asks, one of the other side, and their part of the score."""

    mine: int
    theirs: int
    share: float


@dataclass(frozen=True)
class Explainer:
    """Explains suggestions of one segment to the one that asks."""

    scores: Scores
    asker: UUID | None

    def explained(self, place: int) -> Suggestion:
        """The suggestion of one profile, its score taken apart."""
        scores, weights, other = self.scores, self.scores.weights, self.scores.segment.profiles[place]
        evidence = float(scores.evidence[place])
        score = score_of(evidence, scores.recipe)
        scale = score / evidence * float(scores.kinds[place])
        theirs = scale * weights.their_offers * float(scores.their_offers[place])
        mine = scale * weights.my_offers * float(scores.my_offers[place])
        ground = scale * weights.ground * float(scores.ground[place])
        reasons = [*self._their_offers(place, theirs, score), *self._my_offers(place, mine, score)]
        reasons += self._ground(place, ground)
        reasons.sort(key=lambda one: -one.share)
        return Suggestion(other.id, score, theirs, mine, ground, tuple(reasons))

    @cached_property
    def _offers(self) -> Meeting:
        return self._meeting("offers", self.scores.question.needs)

    @cached_property
    def _needs(self) -> Meeting:
        return self._meeting("needs", self.scores.question.offers)

    @cached_property
    def _about(self) -> Meeting:
        return self._meeting("about", self.scores.question.about)

    def _meeting(self, field: str, asked: Asked) -> Meeting:
        segment = self.scores.segment
        return Meeting(asked, self.scores.reach[field], segment, segment.fields[field])

    def _their_offers(self, place: int, share: float, score: float) -> Iterator[Reason]:
        """The best offer of theirs for each need of mine."""
        units = self._offers.field.units_of(place)
        if share <= 0:
            return
        held = self.scores.offers_for_needs[:, units.start : units.stop]
        best = held.argmax(axis=1)
        other = self.scores.segment.profiles[place]
        for need, part in self._parts(held.max(axis=1)):
            pair = Pair(need, units.start + int(best[need]), part * share)
            mine, theirs = self.scores.question.profile.needs[need], other.offers[int(best[need])]
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
            pair = Pair(int(best[need]), units.start + need, part * share)
            mine, theirs = self.scores.question.profile.offers[int(best[need])], other.needs[need]
            ties = self._ties(self._needs, pair, mine, theirs, score)
            yield _reason(Ground.MY_OFFER, pair.share, ties, (theirs, other.id), (mine, self.asker))

    def _parts(self, values: Floats) -> Iterator[tuple[int, float]]:
        raised = values.astype(np.float64) ** self.scores.recipe.pair_power
        total = raised.sum()
        return ((int(at), float(raised[at] / total)) for at in np.flatnonzero(raised))

    def _ties(self, meeting: Meeting, pair: Pair, mine: Statement, theirs: Statement, score: float) -> tuple[Tie, ...]:
        if pair.share < SMALL * score:
            return ()
        contacts = meeting.contacts(pair.mine, pair.theirs)
        both = sorted([*contacts.marks, *contacts.words], key=lambda one: -one.value)
        return self._shown(meeting, both, pair.share / contacts.value, (mine.texts, theirs.texts), contacts.value)

    def _shown(
        self, meeting: Meeting, contacts: Sequence[Contact], factor: float, texts: Texts, value: float
    ) -> tuple[Tie, ...]:
        """The strongest ties of a reason of this value."""
        least = self.scores.recipe.tie_least * value
        chosen = [one for one in contacts if one.value >= least and not one.is_weak]
        return tuple(meeting.tie(one, factor, *texts) for one in chosen[: self.scores.recipe.ties_shown])

    def _ground(self, place: int, share: float) -> Iterator[Reason]:
        """Common ground by what it rests on: sectors, focus areas, words of both texts."""
        if share <= 0:
            return
        contacts = self._about.contacts(0, self._about.field.units_of(place).start)
        factor = share / contacts.value
        for prefix, ground in MARKED.items():
            ties = tuple(self._about.tie(one, factor, (), ()) for one in contacts.marks if one.key.startswith(prefix))
            if ties:
                yield Reason(ground, sum(tie.share for tie in ties), ties)
        if contacts.worded > 0:
            texts = said_by(self.scores.question.profile), said_by(self.scores.segment.profiles[place])
            ties = self._shown(self._about, contacts.words, factor, texts, contacts.worded)
            told = contacts.worded * factor
            yield Reason(Ground.TEXT, told, ties, rest_of(told, ties))


def said_by(profile: Profile) -> list[str]:
    """All texts of what an organisation says as a whole."""
    return [*profile.texts, *(text for one in profile.offers for text in one.texts)]


def rest_of(share: float, ties: Sequence[Tie]) -> float:
    return max(0.0, share - sum(tie.share for tie in ties))


def _reason(
    ground: Ground,
    share: float,
    ties: tuple[Tie, ...],
    need: tuple[Statement, UUID | None],
    offer: tuple[Statement, UUID | None],
) -> Reason:
    rest = rest_of(share, ties)
    return Reason(ground, share, ties, rest, need[0].id or None, need[1], offer[0].id or None, offer[1])
