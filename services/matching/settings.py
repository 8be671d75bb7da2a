"""What the matching service is told from outside, beyond what every service is."""

from pathlib import Path

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`introduction_days` is how long a side may take to answer, `outcome_days` how long after both were put in touch
    they are asked what became of it. `index_folder` is where the index is saved; without it beside the database file,
    or nowhere on PostgreSQL."""

    introduction_days: int = 30
    outcome_days: int = 30
    index_folder: Path | None = None
