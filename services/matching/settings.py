"""What the matching service is told from outside, beyond what every service is."""

from pathlib import Path
from uuid import UUID

from pydantic import Field, SecretStr

from shared.fields import Email
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """`introduction_days` is how long a side may take to answer, `outcome_days` how long after both were put in touch
    they are asked what became of it. `index_folder` is where the index is saved; without it beside the database file,
    or nowhere on PostgreSQL.

    Members of the organisations `organisers` sign in as organisers of their events, the addresses of the `secretariat`
    as administrators. `issuer_secrets` are what identity providers know us by, by the issuer's key; one that needs none
    has none.

    An organisation is told of new strong partners at most once in `notice_days`, of `notice_most` by name, and of none
    before its profile has been public for `notice_after_minutes`: by then most are written to the end.
    """

    introduction_days: int = 30
    organisers: frozenset[UUID] = frozenset()
    secretariat: frozenset[Email] = frozenset()
    issuer_secrets: dict[str, SecretStr] = {}
    outcome_days: int = 30
    index_folder: Path | None = None
    notice_days: int = Field(default=7, ge=1)
    notice_most: int = Field(default=5, ge=1, le=20)
    notice_after_minutes: int = Field(default=60, ge=0)
