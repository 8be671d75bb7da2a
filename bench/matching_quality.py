"""Tables of quality: every set beside the plain baseline, the scale of scores, near-copies in a list."""

import importlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.matching.similarity import Index, Profile, Recipe, Statement, Wanted
from services.matching.similarity.scoring.likeness import mutual
from services.matching.similarity.scoring.scores import score_of

GROUPS = {
    "Danish": ("ntrex.da", "flores.da", "debrel.da"),
    "English": ("ntrex.en", "flores.en", "debrel.en"),
    "mixed": ("ntrex.mix", "flores.mix", "debrel.mix"),
    "Danish to English": ("ntrex.da-en", "flores.da-en", "debrel.da-en"),
    "partners": ("dkfonde", "ctpartner"),
}


BANDS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)

Scores = npt.NDArray[np.float64]


Organisation = Mapping[str, str]


class Ranker:
    """An index over texts, asked by texts. A text of the index asks as the profile that it is."""

    def __init__(self) -> None:
        self._index = Index.build(())
        self._places: dict[str, int] = {}
        self._many = 0
        self._partnerships: Sequence[int] = ()

    def prior(self, partnerships: Sequence[int]) -> None:
        """How many earlier partnerships each text of the corpus that comes next tells of."""
        self._partnerships = partnerships

    def fit(self, corpus: Sequence[str]) -> None:
        history = self._partnerships or [0] * len(corpus)
        self._index = Index.build(
            Profile(UUID(int=at + 1), "", (text,), partnerships=many)
            for at, (text, many) in enumerate(zip(corpus, history, strict=True))
        )
        self._places = {text: at for at, text in enumerate(corpus)}
        self._many = len(corpus)

    def topk(self, queries: Sequence[str], k: int) -> list[list[int]]:
        """Positions of the best texts; texts that nothing ties to the query come last."""
        return [self._best(query, k) for query in queries]

    def _best(self, query: str, k: int) -> list[int]:
        values = np.zeros(self._many)
        asking = Profile(UUID(int=self._places.get(query, -1) + 1), "", (query,))
        for identity, evidence in self._index.evidence(asking).items():
            values[identity.int - 1] = evidence
        return [int(place) for place in np.argsort(-values, kind="stable")[:k]]


def rank(corpus: Sequence[str], queries: Sequence[str], k: int) -> list[list[int]]:
    """The `k` best texts of the corpus for each query, as positions."""
    ranker = Ranker()
    ranker.fit(corpus)
    return ranker.topk(queries, k)


def index_of(docs: Sequence[Organisation]) -> Index:
    return Index.build(_profile(at, one) for at, one in enumerate(docs))


def partners(docs: Sequence[Organisation], queries: Sequence[Organisation]) -> np.ndarray:
    """How well every organisation fits every query: an organisation of the same set, or a need with its text."""
    index = index_of(docs)
    place = {one["id"]: at for at, one in enumerate(docs)}
    scores = np.zeros((len(queries), len(docs)))
    for row, query in enumerate(queries):
        asking = _profile(place[query["id"]], query) if query["id"] in place else _need(query)
        for identity, evidence in index.evidence(asking).items():
            scores[row, identity.int - 1] = evidence
    return scores


def _profile(at: int, one: Organisation) -> Profile:
    texts = tuple(re.sub(r"\s+", " ", one[key]) for key in ("text_da", "text_en") if one.get(key))
    return Profile(UUID(int=at + 1), one.get("kind", ""), texts)


def _need(query: Organisation) -> Profile:
    """As a search is put to the engine."""
    return Profile(UUID(int=0), "", (query["text"],), needs=(Statement("", "", (query["text"],)),))


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of a set: by the plain recipe and by ours."""

    name: str
    plain: float
    ours: float

    @property
    def ratio(self) -> float:
        return self.ours / self.plain if self.plain else float("nan")


def sets(data: Path, chosen: frozenset[str]) -> list[Measured]:
    """Print every set and the groups' geometric means of the ratios."""
    print(f"{'set':38}{'plain':>8}{'ours':>8}{'ratio':>8}")
    measured = []
    for one in _sets(data, chosen):
        measured.append(one)
        print(f"{one.name:38}{one.plain:8.3f}{one.ours:8.3f}{one.ratio:8.2f}", flush=True)
    for group, ratio in means(measured).items():
        print(f"{group + ', geometric mean':54}{ratio:8.2f}")
    return measured


def means(measured: Sequence[Measured]) -> dict[str, float]:
    """Geometric means of the ratios, of the groups that were measured whole."""
    ratios = {one.name: one.ratio for one in measured}
    whole = {name: members for name, members in GROUPS.items() if all(one in ratios for one in members)}
    return {name: exp(fmean(log(ratios[one]) for one in members)) for name, members in whole.items()}


def _sets(data: Path, chosen: frozenset[str]) -> Iterator[Measured]:
    scorer, baseline = importlib.import_module("evalmatch"), importlib.import_module("baseline")
    for task in scorer.tasks_in(data / "matching"):
        if not chosen or task in chosen:
            plain = scorer.run(scorer.FnWrap(baseline.naive), data / "matching", task, time_queries=0)
            ours = scorer.run(Ranker(), data / "matching", task, time_queries=0)
            measure = "pair_acc" if "pair_acc" in ours else "mrr" if ".mate." in task else "ndcg10"
            yield Measured(task, plain[measure], ours[measure])
    if not chosen or "cluster" in chosen:
        yield from _cluster(data / "cluster", baseline.partners)


def _cluster(data: Path, plain: Any) -> Iterator[Measured]:
    """Real partnerships: nDCG and recall among the first ten, and how many partners are there by common language."""
    scorer = importlib.import_module("score_partners")
    read = _read(data)
    results = [scorer.evaluate(matcher, *read, ["all"]) for matcher in (plain, partners)]
    for task in ("partners", "partners-other", "needs"):
        found = [result["all", task].mean(axis=0) for result in results]
        for measure, at in (("R@10", 1), ("nDCG@10", 3)):
            yield Measured(f"cluster {task} {measure}", float(found[0][at]), float(found[1][at]))
    for common in ("shared", "none"):
        hits = [float(result["all", "lang"][common][0]) for result in results]
        yield Measured(f"cluster language {common}: in first 10", hits[0], hits[1])


def _read(data: Path) -> list[Any]:
    scorer = importlib.import_module("score_partners")
    return [scorer.read_jsonl(data / f"{name}.jsonl") for name in ("orgs", "partnerships-dev", "queries-dev")]


def scale(data: Path) -> None:
    """Print how known partnerships lie on the scale of scores, and the two settings of the curve fitted to them."""
    orgs, pairs, _ = _read(data)
    docs = [importlib.import_module("score_partners").public(one) for one in orgs]
    place = {one["id"]: at for at, one in enumerate(orgs)}
    evidence, known = partners(docs, docs), np.zeros((len(docs), len(docs)), np.bool_)
    for pair in pairs:
        known[place[pair["a"]], place[pair["b"]]] = known[place[pair["b"]], place[pair["a"]]] = True
    half, power = fitted(evidence[known])
    recipe = Recipe()
    print(f"\nscale: half_score {half:.3f} (set: {recipe.half_score}), score_power {power:.2f} ({recipe.score_power})")
    scores = np.vectorize(lambda value: score_of(float(value), recipe))(evidence)
    languages = np.array(
        ["both" if one["text_da"] and one["text_en"] else "da" if one["text_da"] else "en" for one in docs]
    )
    _bands(scores, known, languages)


def _bands(scores: Scores, known: npt.NDArray[np.bool_], languages: npt.NDArray[np.str_]) -> None:
    print(f"{'score':12}{'pairs':>8}{'partners':>10}" + "".join(f"{code:>8}" for code in ("da", "en", "both")))
    others = ~np.eye(len(scores), dtype=np.bool_)
    for low, high in pairwise(BANDS):
        band = others & (scores >= low) & (scores < high)
        shares = [known[languages == code][band[languages == code]].mean() for code in ("da", "en", "both")]
        told = "".join(f"{share:8.1%}" for share in shares)
        print(f"{low:.1f} to {high:.1f}  {band.sum():8}{known[band].mean():10.1%}{told}")


def fitted(evidence: Scores) -> tuple[float, float]:
    """The curve by which the score of a known partnership is the share of them that rest on less evidence.

    The log-odds of that share are a line over the logarithm of evidence; the outermost 5 % bend it and are left out.
    """
    some = np.sort(evidence[evidence > 0])
    share = (np.arange(len(some)) + 0.5 + len(evidence) - len(some)) / len(evidence)
    inner = (share > 0.05) & (share < 0.95)
    power, offset = np.polyfit(np.log(some[inner]), np.log(share[inner] / (1 - share[inner])), 1)
    return exp(-offset / power), float(power)


def _mates(data: Path) -> tuple[list[dict[str, str]], dict[int, set[int]]]:
    """The organisations, and the positions of each one's known partners."""
    orgs, pairs, _ = _read(data)
    place = {one["id"]: at for at, one in enumerate(orgs)}
    mates: dict[int, set[int]] = {}
    for pair in pairs:
        for one, other in ((pair["a"], pair["b"]), (pair["b"], pair["a"])):
            mates.setdefault(place[one], set()).add(place[other])
    return [importlib.import_module("score_partners").public(one) for one in orgs], mates


def answers(data: Path) -> None:
    """Print how the other known partners stand before and after one of them was answered with yes."""
    docs, mates = _mates(data)
    index = index_of(docs)
    asked = [(asks, one) for asks, known in mates.items() if len(known) > 1 for one in sorted(known)]
    print(f"\nthe other known partners, before and after a yes to one of them ({len(asked)} cases)")
    for name, said in (("before", False), ("after", True)):
        told = [_others(index, asks, one, mates[asks] - {one}, said=said) for asks, one in asked]
        print(
            f"{name:20}in the first ten {fmean(one[0] for one in told):6.1%}   MRR {fmean(one[1] for one in told):.3f}"
        )


def _others(index: Index, asks: int, yes: int, others: set[int], *, said: bool) -> tuple[float, float]:
    liked = frozenset((UUID(int=yes + 1),)) if said else frozenset[UUID]()
    shown = index.suggest(UUID(int=asks + 1), Wanted(limit=len(index), liked=liked, diverse=False))
    order = [place for one in shown if (place := one.profile_id.int - 1) != yes]
    ranks = [order.index(one) + 1 if one in order else float("inf") for one in others]
    return fmean(rank <= 10 for rank in ranks), fmean(1 / rank for rank in ranks)


def copies(data: Path) -> None:
    """Print what near-copies take of the first ten, and how many known partners are there, by the setting."""
    docs, mates = _mates(data)
    print("\nnear-copies and units of one house (every text once more, as a unit of its organisation)")
    for name, diverse in (("as they come", False), ("diverse", True)):
        told = _taken(docs, mates, diverse=diverse)
        print(f"{name:20}of the first ten, copies {told[0]:6.1%}   known partners found {told[1]:6.1%}")


def _taken(docs: Sequence[Mapping[str, str]], mates: Mapping[int, set[int]], *, diverse: bool) -> tuple[float, float]:
    many = len(docs)
    index = index_of([*docs, *docs])
    place = index._now.base.segment.positions
    taken, found = [], []
    for asks, partners_of in mates.items():
        hidden = frozenset((UUID(int=asks + many + 1),))
        shown = index.suggest(UUID(int=asks + 1), Wanted(limit=10, without=hidden, diverse=diverse))
        same = mutual([(index._now.base.segment, place[one.profile_id]) for one in shown]) >= Recipe().near_copy
        taken.append(float(np.triu(same, 1).any(axis=0).mean()))
        found.append(len({(one.profile_id.int - 1) % many for one in shown} & partners_of) / len(partners_of))
    return fmean(taken), fmean(found)
