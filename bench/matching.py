"""The quality of the matching engine, through the service's own code and settings.

`rank` and `partners` are what a scorer calls: it ranks a corpus for queries, or every organisation for every other.
"""

import re
from collections.abc import Sequence
from uuid import UUID

import numpy as np

from services.matching.similarity import Index, Profile

Organisation = dict[str, str]


def rank(corpus: Sequence[str], queries: Sequence[str], k: int) -> list[list[int]]:
    """The `k` best texts of the corpus for each query, as positions; texts nothing ties to it come last."""
    index = Index.build(Profile(UUID(int=at + 1), "", (text,)) for at, text in enumerate(corpus))
    ranked = []
    for query in queries:
        evidence = index.evidence(Profile(UUID(int=0), "", (query,)))
        values = np.array([evidence.get(UUID(int=at + 1), 0.0) for at in range(len(corpus))])
        ranked.append([int(place) for place in np.argsort(-values, kind="stable")[:k]])
    return ranked


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
    return Profile(UUID(int=0), "", (query["text"],))
