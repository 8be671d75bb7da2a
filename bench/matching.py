"""The quality of the matching engine, through the service's own code and settings.

`rank`, `Ranker` and `partners` are what a scorer calls. All sets in one table, each beside the plain baseline:

    python3 -m bench.matching evaluate --data DIR --tools DIR [--sets flores.da,dkfonde]

DIR of the data holds `matching/` and `cluster/`; DIR of the tools `evalmatch.py`, `score_partners.py`, `baseline.py`.
"""

import argparse
import importlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from math import exp, log
from pathlib import Path
from statistics import fmean
from typing import Any
from uuid import UUID

import numpy as np

from services.matching.similarity import Index, Profile, Statement

Organisation = Mapping[str, str]
GROUPS = {
    "Danish": ("ntrex.da", "flores.da", "debrel.da"),
    "English": ("ntrex.en", "flores.en", "debrel.en"),
    "mixed": ("ntrex.mix", "flores.mix", "debrel.mix"),
    "Danish to English": ("ntrex.da-en", "flores.da-en", "debrel.da-en"),
    "partners": ("dkfonde", "ctpartner"),
}


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


def partners(docs: Sequence[Organisation], queries: Sequence[Organisation]) -> np.ndarray:
    """How well every organisation fits every query: an organisation of the same set, or a need with its text."""
    index = Index.build(_profile(at, one) for at, one in enumerate(docs))
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


def evaluate(data: Path, tools: Path, chosen: Sequence[str]) -> None:
    """Print every set: the baseline, the engine and their ratio; then the groups' geometric means."""
    sys.path.insert(0, str(tools))
    ratios: dict[str, float] = {}
    for name, plain, ours in _sets(data, chosen):
        ratios[name] = ours / plain if plain else float("nan")
        print(f"{name:34} {plain:6.3f} {ours:6.3f} {ratios[name]:6.2f}", flush=True)
    for group, members in GROUPS.items():
        if all(one in ratios for one in members):
            print(f"{group:34} {exp(fmean(log(ratios[one]) for one in members)):20.2f}")


def _sets(data: Path, chosen: Sequence[str]) -> Iterator[tuple[str, float, float]]:
    scorer, baseline = importlib.import_module("evalmatch"), importlib.import_module("baseline")
    for task in scorer.tasks_in(data / "matching"):
        if not chosen or task in chosen:
            plain = scorer.run(scorer.FnWrap(baseline.naive), data / "matching", task, time_queries=0)
            ours = scorer.run(Ranker(), data / "matching", task, time_queries=0)
            measure = "pair_acc" if "pair_acc" in ours else "mrr" if ".mate." in task else "ndcg10"
            yield task, plain[measure], ours[measure]
    if not chosen or "cluster" in chosen:
        yield from _cluster(data / "cluster", baseline.partners)


def _cluster(data: Path, plain: Any) -> Iterator[tuple[str, float, float]]:
    """Real partnerships: nDCG and recall among the first ten, and how many partners are there by common language."""
    scorer = importlib.import_module("score_partners")
    names = ("orgs", "partnerships-dev", "queries-dev")
    read = [scorer.read_jsonl(data / f"{name}.jsonl") for name in names]
    results = [scorer.evaluate(matcher, *read, ["all"]) for matcher in (plain, partners)]
    for task in ("partners", "partners-other", "needs"):
        means = [result["all", task].mean(axis=0) for result in results]
        for measure, at in (("R@10", 1), ("nDCG@10", 3)):
            yield f"cluster {task} {measure}", float(means[0][at]), float(means[1][at])
    for common in ("shared", "none"):
        hits = [float(result["all", "lang"][common][0]) for result in results]
        yield f"cluster language {common}: in first 10", hits[0], hits[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=["evaluate"])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--sets", default="", help="comma-separated names, `cluster` for the partnerships; all without")
    arguments = parser.parse_args()
    evaluate(arguments.data, arguments.tools, [one for one in arguments.sets.split(",") if one])


if __name__ == "__main__":
    main()
