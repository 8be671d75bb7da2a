"""Everything that is held of an organisation, for its own people: the other services hand over their parts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, delete, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.matching.organisations.profiles import lock
from services.matching.tables import Export, ExportedPart
from shared.contracts.matching import OrganisationExportRequested
from shared.contracts.message import Contract, ExportPart
from shared.database import insert_for
from shared.fields import utc_now
from shared.messaging.outbox import tell
from shared.settings import SERVICES, ServiceName

# Asking again sooner gets what was gathered, so that nobody has the others gather it over and over.
GIVEN_AGAIN_FOR = timedelta(hours=1)
KEPT_FOR = timedelta(days=1)
OTHERS: tuple[ServiceName, ...] = tuple(service for service in SERVICES if service != "matching")


@dataclass(frozen=True, slots=True)
class Gathered:
    """An export with the parts that have come."""

    export: Export
    parts: Sequence[ExportedPart]

    def items(self, service: ServiceName) -> list[dict[str, Any]]:
        return [item for part in self.parts if part.service == service for item in part.items]

    @property
    def missing(self) -> tuple[ServiceName, ...]:
        """Services of which at least one part has not come."""
        return tuple(service for service in OTHERS if not self._is_whole(service))

    def _is_whole(self, service: ServiceName) -> bool:
        theirs = [part for part in self.parts if part.service == service]
        return bool(theirs) and len(theirs) == theirs[0].parts


async def ask(session: AsyncSession, organisation_id: UUID) -> Gathered:
    """The export that is being gathered, or was within the hour; else a new one, for which the others are asked."""
    organisation = await lock(session, organisation_id)
    export = (await session.exec(select(Export).where(Export.organisation_id == organisation_id))).first()
    if export is not None:
        gathered = await _gathered(session, export)
        if gathered.missing or utc_now() - export.asked_at < GIVEN_AGAIN_FOR:
            return gathered
        await drop_of(session, organisation_id)
    export = Export(organisation_id=organisation_id)
    session.add(export)
    asked = OrganisationExportRequested(
        organisation_id=organisation_id, version=organisation.version, export_id=export.id
    )
    tell(session, asked)
    return Gathered(export, ())


async def _gathered(session: AsyncSession, export: Export) -> Gathered:
    mine = select(ExportedPart).where(ExportedPart.export_id == export.id)
    found = await session.exec(mine.order_by(col(ExportedPart.service), col(ExportedPart.part)))
    return Gathered(export, found.all())


async def collect(session: AsyncSession, service: ServiceName, told: ExportPart, items: Sequence[Contract]) -> None:
    """Keeps a part; one of an export that was dropped meanwhile is let go."""
    # Held, so that it is not dropped before the part is there.
    if await session.get(Export, told.export_id, with_for_update={"read": True, "key_share": True}) is None:
        return
    connection = await session.connection()
    row = {
        "export_id": told.export_id,
        "service": service,
        "part": told.part,
        "parts": told.parts,
        "items": [item.model_dump(mode="json") for item in items],
    }
    await connection.execute(insert_for(connection)(ExportedPart).values(**row).on_conflict_do_nothing())


async def drop_of(session: AsyncSession, organisation_id: UUID) -> None:
    await _drop(session, select(Export.id).where(Export.organisation_id == organisation_id))


async def any_old(session: AsyncSession) -> bool:
    return (await session.exec(_old().limit(1))).first() is not None


async def drop_old(session: AsyncSession, most: int = 50) -> bool:
    """Forgets the exports asked for more than a day ago; True when there may be more."""
    ids = (await session.exec(_old().limit(most).with_for_update(skip_locked=True))).all()
    await _drop(session, ids)
    return len(ids) == most


def _old() -> Any:
    return select(Export.id).where(col(Export.asked_at) < utc_now() - KEPT_FOR)


async def _drop(session: AsyncSession, ids: Any) -> None:
    await session.exec(delete(ExportedPart).where(col(ExportedPart.export_id).in_(ids)))
    await session.exec(delete(Export).where(col(Export.id).in_(ids)))
