"""The figures of trials, as a table people can read and paste."""

from collections.abc import Sequence

from tests.faults.trial import Outcome
from tests.faults.verdict import KINDS

COLUMNS = ("trial", "sign-ups", "changes", "promoted", "messages", "mails", "asked again", "kills", *KINDS, "seconds")


def table(rows: Sequence[tuple[str, Outcome]]) -> str:
    cells = [COLUMNS, *(_cells(name, outcome) for name, outcome in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(COLUMNS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])


def _cells(name: str, outcome: Outcome) -> tuple[str, ...]:
    return (
        name,
        f"{outcome.taken} + {outcome.refused} refused",
        str(outcome.changed),
        str(outcome.promoted),
        str(outcome.told),
        f"{outcome.mails} ({outcome.mailed_again} again)",
        str(outcome.asked_again),
        f"{outcome.kills.total()}",
        *(str(outcome.count(kind)) for kind in KINDS),
        f"{outcome.load_seconds:.0f} + {outcome.rest_seconds:.0f}",
    )


def victims(outcome: Outcome) -> str:
    """Who was killed how often, and who fell by itself."""
    killed = ", ".join(f"{name} {times}" for name, times in sorted(outcome.kills.items()))
    fallen = f"; ended by themselves: {', '.join(outcome.fallen)}" if outcome.fallen else ""
    return f"killed: {killed}{fallen}"
