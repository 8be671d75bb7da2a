"""How good the matching engine is, through the service's own code and settings.

    python3 dev.py bench matching --data DIR --tools DIR [--sets flores.da,dkfonde] [--speed FILE] [--plots DIR]

Prints every set beside the plain baseline, how known partnerships stand on the scale of scores, what a yes gives and
what near-copies take of a list; `--plots` draws the sets and, from what `bench index_speed --json FILE` wrote, the
latency by size. DIR of the data holds `matching/` and `cluster/`; DIR of the tools `evalmatch.py`,
`score_partners.py`, `baseline.py`, which call `Ranker`, `rank` and `partners`.
"""

import argparse
import json
import sys
from pathlib import Path


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
