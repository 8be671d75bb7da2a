"""How good the matching engine is, through the service's own code and settings.

    python3 dev.py bench matching --data DIR --tools DIR [--sets flores.da,dkfonde] [--speed FILE] [--plots DIR]

Prints every set beside the plain baseline, how known partnerships stand on the scale of scores, what a yes gives and
what near-copies take of a list; `--plots` draws the sets and, from what `bench index_speed --json FILE` wrote, the
latency by size. DIR of the data holds `matching/` and `cluster/`; DIR of the tools `evalmatch.py`,
`score_partners.py`, `baseline.py`, which call `Ranker`, `rank` and `partners`.
"""

import argparse
import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from uuid import UUID

import numpy as np

from services.matching.similarity import Index, Profile, Statement

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tools", type=Path, required=True)
    parser.add_argument("--sets", default="", help="comma-separated names, `cluster` for the partnerships; all without")
    parser.add_argument("--speed", type=Path, help="what `bench index_speed --json` wrote")
    parser.add_argument("--plots", type=Path, help="the folder to draw into")
    arguments = parser.parse_args()
    sys.path.insert(0, str(arguments.tools))
    from bench import matching_quality as quality

    chosen = frozenset(one for one in arguments.sets.split(",") if one)
    measured = quality.sets(arguments.data, chosen)
    if not chosen or "cluster" in chosen:
        quality.scale(arguments.data / "cluster")
        quality.answers(arguments.data / "cluster")
        quality.copies(arguments.data / "cluster")
    if arguments.plots:
        from bench import matching_plots as plots

        plots.quality(measured, arguments.plots / "matching_quality.svg")
        if arguments.speed:
            plots.latency(json.loads(arguments.speed.read_text()), arguments.plots / "matching_latency.svg")


if __name__ == "__main__":
    main()
