"""Why a profile is proposed: the pairs and the words that make its score, with shares that add up to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.matching.similarity.asking import Asked, said_by_row
from services.matching.similarity.columns import Columns
from services.matching.similarity.language import WORD, normal
from services.matching.similarity.matrices import Floats, product_turned, row_numbers, taken, widened
from services.matching.similarity.profile import Ground, Reason, Suggestion, Tie
from services.matching.similarity.ranking import Scores, score_of, score_of_row
from services.matching.similarity.recipe import LANGUAGES, Recipe
from services.matching.similarity.segment import Field
from services.matching.similarity.texts import Unit

SMALL = 0.02  # of the score: such a pair is told without its words
MOST_WORDS = 40


@dataclass(frozen=True, slots=True)
class Pair:
    """One asking unit and one unit of the other side, and what they give to the score."""

    ground: Ground
    mine: int
    theirs: int
    share: float


def explained(scores: Scores, place: int, asker: UUID | None) -> Suggestion:
    """The suggestion of one profile, its score taken apart."""
    recipe = scores.recipe
    evidence = float(scores.evidence[place])
    score = score_of(evidence, recipe)
    scale = score / evidence * float(scores.kinds[place])
    pairs = [*_offer_pairs(scores, place), *_need_pairs(scores, place)]
    theirs = scale * recipe.their_offers_my_needs * float(scores.their_offers[place])
    mine = scale * recipe.my_offers_their_needs * float(scores.my_offers[place])
    ground = scale * recipe.common_ground * float(scores.ground[place])
    whole = {Ground.THEIR_OFFER: theirs, Ground.MY_OFFER: mine}
    found = [
        _reason(scores, Pair(one.ground, one.mine, one.theirs, one.share * whole[one.ground]), asker, place, score)
        for one in pairs
    ]
    found.extend(_common_ground(scores, place, ground))
    found.sort(key=lambda reason: -reason.share)
    identity = scores.segment.profiles[place].id
    return Suggestion(identity, score, theirs, mine, ground, tuple(found))


def _offer_pairs(scores: Scores, place: int) -> Iterator[Pair]:
    """The best offer of theirs for each need of mine; the shares add up to one."""
    units = np.flatnonzero(scores.segment.offers.owners == place)
    if not len(units) or not len(scores.offers_for_needs):
        return
    held = scores.offers_for_needs[:, units]
    best = held.argmax(axis=1)
    for need, share in _shares(held.max(axis=1), scores.recipe.pair_power):
        yield Pair(Ground.THEIR_OFFER, need, int(units[best[need]]), share)


def _need_pairs(scores: Scores, place: int) -> Iterator[Pair]:
    """My best offer for each need of theirs; the shares add up to one."""
    units = np.flatnonzero(scores.segment.needs.owners == place)
    if not len(units) or not len(scores.needs_for_offers):
        return
    held = scores.needs_for_offers[:, units]
    best = held.argmax(axis=0)
    for need, share in _shares(held.max(axis=0), scores.recipe.pair_power):
        yield Pair(Ground.MY_OFFER, int(best[need]), int(units[need]), share)


def _shares(values: Floats, power: float) -> Iterator[tuple[int, float]]:
    raised = values.astype(np.float64) ** power
    total = raised.sum()
    for at in np.flatnonzero(raised):
        yield int(at), float(raised[at] / total)


def _reason(scores: Scores, pair: Pair, asker: UUID | None, place: int, score: float) -> Reason:
    other = scores.segment.profiles[place].id
    theirs_meet = pair.ground is Ground.THEIR_OFFER
    asked = scores.question.needs if theirs_meet else scores.question.offers
    field = scores.segment.offers if theirs_meet else scores.segment.needs
    mine, theirs = asked.units[pair.mine].statement, field.units[pair.theirs].statement
    assert mine is not None
    assert theirs is not None
    shown: tuple[Tie, ...] = ()
    if pair.share >= SMALL * score:
        tied = ties_of(asked, pair.mine, field, pair.theirs, pair.share, scores.question.columns)
        shown = telling([*tied.marks, *tied.words], pair.share, scores.recipe)
    rest = max(0.0, pair.share - sum(tie.share for tie in shown))
    if theirs_meet:
        return Reason(pair.ground, pair.share, shown, rest, mine.id or None, asker, theirs.id, other)
    return Reason(pair.ground, pair.share, shown, rest, theirs.id, other, mine.id or None, asker)


def _common_ground(scores: Scores, place: int, share: float) -> Iterator[Reason]:
    """Common ground by what it rests on: words of both texts, sectors, focus areas."""
    if share <= 0:
        return
    tied = ties_of(scores.question.about, 0, scores.segment.about, place, share, scores.question.columns)
    for prefix, ground in (("sector:", Ground.SECTORS), ("focus_area:", Ground.FOCUS_AREAS)):
        own = [tie for tie in tied.marks if tie.yours.startswith(prefix)]
        if own:
            plain = tuple(
                Tie(tie.yours.removeprefix(prefix), tie.theirs.removeprefix(prefix), tie.share) for tie in own
            )
            yield Reason(ground, sum(tie.share for tie in own), plain)
    if tied.text > 0:
        shown = telling(tied.words, tied.text, scores.recipe)
        yield Reason(Ground.TEXT, tied.text, shown, max(0.0, tied.text - sum(tie.share for tie in shown)))


@dataclass(frozen=True, slots=True)
class Tied:
    """What ties two units: marks, and words whose shares add up to at most `text`. Marks and `text` are the whole."""

    marks: list[Tie]
    words: list[Tie]
    text: float


def ties_of(asked: Asked, mine: int, field: Field, theirs: int, share: float, columns: Columns) -> Tied:
    """The marks and words that tie two units, the strongest first, as parts of `share`."""
    row = _best_row(asked, mine, field, theirs)
    marks = list(_mark_ties(asked.units[mine], field.units[theirs]))
    words, text = _word_ties(asked, mine, field, row, columns)
    total = text + sum(tie.share for tie in marks)
    factor = share / total if total > 0 else 0.0
    return Tied(scaled(marks, factor), scaled(words, factor), text * factor)


def scaled(ties: list[Tie], factor: float) -> list[Tie]:
    """Ties times a factor, the strongest first."""
    strongest = sorted(ties, key=lambda tie: -tie.share)
    return [Tie(tie.yours, tie.theirs, tie.share * factor) for tie in strongest]


def telling(ties: list[Tie], share: float, recipe: Recipe) -> tuple[Tie, ...]:
    """The ties worth reading: a few letters that two words share by chance are left to the rest."""
    return tuple(tie for tie in ties[: recipe.ties_shown] if tie.share >= recipe.tie_least * share)


def _best_row(asked: Asked, mine: int, field: Field, theirs: int) -> int:
    """The language version of their unit that scored."""
    rows = np.flatnonzero(field.bags.unit == theirs)
    if len(rows) == 1:
        return int(rows[0])
    scores = [score_of_row(asked, mine, field, int(row)) for row in rows]
    return int(rows[int(np.argmax(scores))])


def _mark_ties(mine: Unit, theirs: Unit) -> Iterator[Tie]:
    for name in mine.marks.keys() & theirs.marks.keys():
        shown = name.split(":")[1] if name.startswith("stream:") else name
        yield Tie(shown, shown, mine.marks[name] * theirs.marks[name])


def _word_ties(asked: Asked, mine: int, field: Field, row: int, columns: Columns) -> tuple[list[Tie], float]:
    """Ties between the words that give most on each side, and what all words give."""
    at = int(field.bags.language[row])
    if at < 0 or LANGUAGES[at] not in asked.spoken[mine]:
        return [], 0.0
    spoken = asked.spoken[mine][LANGUAGES[at]]
    counts = taken(field.bags.counts, [row])
    tokens = [field.bags.tokens[token] for token in counts.indices]
    whole = widened(taken(field.rows, [row]), spoken.row.shape[1])
    parts = said_by_row(tokens, counts.data, LANGUAGES[at], whole, columns)
    given = product_turned(spoken.parts, whole).toarray()[:, 0]
    taken_in = product_turned(parts, spoken.row).toarray()[:, 0]
    ours, others = strongest(given), strongest(taken_in)
    table = product_turned(taken(spoken.parts, ours), taken(parts, others))
    mine_written, theirs_written = Written(asked.units[mine]), Written(field.units[int(field.bags.unit[row])])
    ties = [
        Tie(mine_written.form(spoken.tokens[ours[i]]), theirs_written.form(tokens[others[j]]), float(value))
        for value, i, j in zip(table.data, row_numbers(table), table.indices, strict=True)
    ]
    return ties, float(given.sum())


def strongest(values: Floats) -> list[int]:
    """Positions of the words that give most; a text of ten thousand words is told by a few of them."""
    order = np.argsort(-values, kind="stable")[:MOST_WORDS]
    return [int(place) for place in order if values[place] > 0]


class Written:
    """How a unit wrote a word or a phrase that is counted in lower case."""

    def __init__(self, unit: Unit) -> None:
        forms = [form for text in unit.texts.values() for form in WORD.findall(normal(text))]
        self._forms = {form.lower(): form for form in reversed(forms)}

    def form(self, token: str) -> str:
        return " ".join(self._forms.get(word, word) for word in token.split())
