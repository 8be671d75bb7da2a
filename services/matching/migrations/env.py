"""Alembic's way in."""

from alembic import context

from services.matching.tables import Base
from shared.migrations import run

run(context.config.attributes["connection"], Base.metadata)
