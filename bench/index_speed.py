"""Speed and size of the matching engine by the number of profiles, beside what everybody writes first.

    python3 dev.py bench index_speed [--sizes 2000,20000,200000] [--json FILE]

Plain is scikit-learn's `cosine_similarity` of one whole text with all, and `argsort`. CPU time of this thread, the
median over some profiles of the best of several runs; wall time is what other work on the machine makes of it. A
million takes minutes and some gigabytes: `--sizes 1000000`. Each size is measured in a process of its own.
"""

import argparse
import asyncio
import gc
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

from bench.footprint import rss
from bench.made_profiles import made, profiles
from services.matching.index import building
from services.matching.similarity import Index, Profile

ASKED, RUNS, CHANGES = 20, 3, 20
ROWS = {
    "plain_ms": "plain: cosine_similarity + argsort, ms",
    "scoring_ms": "ours: scores and the first 20, ms",
    "ratio": "plain : ours",
    "suggest_ms": "with reasons, ms",
    "change_ms": "a changed profile applied, ms",
    "change_seen_ms": "applied, and what the next suggestion takes more, ms",
    "build_s": "build, CPU s",
    "save_s": "save, s",
    "load_s": "read what was saved, s",
    "first_s": "and the first suggestion after it, s",
    "index_kib": "index, KiB a profile",
    "texts_kib": "packed profiles, KiB a profile",
    "file_kib": "saved, KiB a profile",
    "rss_mib": "process with the index, MiB",
    "quiet_p95_ms": "suggestions: 95 % within, ms wall",
    "rebuilding_p95_ms": "the same while the index is rebuilt, ms wall",
    "rebuilding_longest_ms": "the longest of them, ms wall",
}
Figures = dict[str, float]


def cpu(run: Callable[[], object]) -> float:
    started = time.thread_time()
    run()
    return time.thread_time() - started


def typical(asked: Sequence[Profile], run: Callable[[Profile], object]) -> float:
    """Milliseconds."""
    rounds = [[cpu(partial(run, one)) for one in asked] for _ in range(RUNS)]
    return float(statistics.median(min(times) for times in zip(*rounds, strict=True))) * 1000


def text_of(one: Profile) -> str:
    return " ".join([*one.texts, *(text for each in (*one.offers, *one.needs) for text in each.texts)])


def plain(several: Sequence[Profile], asked: Sequence[Profile]) -> float:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import cosine_similarity

    vectoriser = TfidfVectorizer()
    rows = vectoriser.fit_transform(text_of(one) for one in several)

    def rank(one: Profile) -> object:
        return (-cosine_similarity(vectoriser.transform([text_of(one)]), rows)[0]).argsort()[:20]

    return typical(asked, rank)


def scoring(index: Index, asked: Sequence[Profile]) -> float:
    """Queries are read anew each time: the same profile hardly asks twice."""
    from services.matching.similarity.profile import Wanted
    from services.matching.similarity.scoring.evidence import Evidence
    from services.matching.similarity.scoring.scores import Scores, first_of

    now = index._now

    def rank(one: Profile) -> object:
        mine = now.find(one.id)
        assert mine is not None
        scores = Scores(now.reader._read(mine), now.base.segment, now.recipe, True)
        examples = now._examples([(now.base, scores)], Wanted(without=frozenset((mine.id,))))
        return first_of(Evidence(scores, examples, True).total, now.base.alive, 20)

    return typical(asked, rank)


def changing(index: Index, asked: Profile) -> tuple[float, float]:
    """Milliseconds to apply one change, and with what the next suggestion takes more than the one after it."""
    applied, seen = [], []
    for at in range(CHANGES):
        changed = replace(made(10_000_000 + at), id=made(at).id)
        started = time.thread_time()
        index = index.apply([changed], ())
        applied.append(time.thread_time() - started)
        first, again = (cpu(partial(index.suggest, asked.id)) for _ in range(2))
        seen.append(applied[-1] + max(0.0, first - again))
    return statistics.median(applied) * 1000, statistics.median(seen) * 1000


def sizes_of(index: Index) -> tuple[float, float]:
    """Bytes of all arrays of the index, and of the packed profiles and their ids."""
    from services.matching.similarity import saving

    arrays = saving._arrays(index._now, b"")
    texts = sum(held.nbytes for name, held in arrays.items() if name.startswith("profiles"))
    turned = sum(field.by_column.data.nbytes * 2 for field in index._now.base.segment.fields.values())
    return sum(held.nbytes for held in arrays.values()) - texts + turned, texts


def latencies(index: Index, ids: Sequence[Profile], until: Callable[[], bool]) -> Iterator[float]:
    """Wall seconds of one suggestion after another."""
    at = 0
    while not until():
        started = time.perf_counter()
        index.suggest(ids[at % len(ids)].id)
        yield time.perf_counter() - started
        at += 1


async def rebuild(index: Index) -> None:
    await building.build(await asyncio.to_thread(list, index.packed()))


def while_rebuilding(index: Index, asked: Sequence[Profile]) -> Figures:
    """As the service rebuilds: with its own functions, from another thread than the one that answers."""
    end = time.perf_counter() + 3
    quiet = sorted(latencies(index, asked, lambda: time.perf_counter() > end))
    rebuilding = Thread(target=lambda: asyncio.run(rebuild(index)))
    rebuilding.start()
    busy = sorted(latencies(index, asked, lambda: not rebuilding.is_alive()))
    return {
        "quiet_p95_ms": quiet[int(len(quiet) * 0.95)] * 1000,
        "rebuilding_p95_ms": busy[int(len(busy) * 0.95)] * 1000,
        "rebuilding_longest_ms": busy[-1] * 1000,
    }


def measure(many: int) -> Figures:
    several = list(profiles(many))
    Index.build(several[:50]).suggest(several[0].id)
    asked = random.Random(1).sample(several, ASKED)
    found: Figures = {"plain_ms": plain(several, asked)}
    started = time.process_time()
    index = Index.build(several)
    found["build_s"] = time.process_time() - started
    del several
    gc.collect()
    found["rss_mib"] = rss(_self())
    index.suggest(asked[0].id)
    found["scoring_ms"] = scoring(index, asked)
    found["ratio"] = found["plain_ms"] / found["scoring_ms"]
    found["suggest_ms"] = typical(asked, lambda one: index.suggest(one.id))
    found["change_ms"], found["change_seen_ms"] = changing(index, asked[0])
    kib = many * 1024
    found["index_kib"], found["texts_kib"] = (size / kib for size in sizes_of(index))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        found["save_s"] = cpu(lambda: index.save(path, b""))
        found["file_kib"] = path.stat().st_size / kib
        read: list[Index] = []
        found["load_s"] = cpu(lambda: read.append(Index.load(path)[0]))
        found["first_s"] = cpu(lambda: read[0].suggest(asked[0].id))
    return found | (while_rebuilding(index, asked) if many <= 200_000 else {})


def _self() -> int:
    return int(Path("/proc/self").resolve().name)


def table(found: dict[str, Figures]) -> str:
    lines = [f"{'profiles':55}" + "".join(f"{size:>12}" for size in found)]
    for key, name in ROWS.items():
        values = (each.get(key) for each in found.values())
        lines.append(f"{name:55}" + "".join(f"{'' if one is None else f'{one:.2f}':>12}" for one in values))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="2000,20000,200000")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    parser.add_argument("--only", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        print(json.dumps(measure(arguments.only)))
        return
    found: dict[str, Any] = {}
    for size in arguments.sizes.split(","):
        command = [sys.executable, "-m", "bench.index_speed", "--only", size]
        found[size] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        print(f"measured {size}", file=sys.stderr)
    print(table(found))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
