"""What Alembic runs; all three services share `shared.migrations.run`."""

from alembic import context

from services.events.tables import Base
from shared.migrations import run

run(context.config.attributes["connection"], Base.metadata)
