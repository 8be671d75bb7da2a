"""What Alembic runs for the notify service."""

from alembic import context

from services.notify.tables import Base
from shared.migrations import run

run(context.config.attributes["connection"], Base.metadata)
