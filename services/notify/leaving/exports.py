"""Handing over what is held of an organisation: what its people were told in its name, and what became of the mails."""

from uuid import UUID

from sqlmodel import col, or_, select
from sqlmodel.ext.asyncio.session import AsyncSession

from services.notify.tables import Contact, Delivery, Notification, Organisation
from shared.contracts.matching import OrganisationExportRequested
from shared.contracts.notify import ExportedLetter, NotifyExportedOrganisation
from shared.messaging.outbox import tell_in_parts


async def hand_over(session: AsyncSession, asked: OrganisationExportRequested) -> None:
    def part(some: tuple[ExportedLetter, ...], **place: int) -> NotifyExportedOrganisation:
        return NotifyExportedOrganisation(
            organisation_id=asked.organisation_id,
            version=asked.version,
            export_id=asked.export_id,
            letters=some,
            **place,
        )

    tell_in_parts(session, await _letters_of(session, asked.organisation_id), part)


async def _letters_of(session: AsyncSession, organisation_id: UUID) -> list[ExportedLetter]:
    """In the order they were written, with those to what was merged into it."""
    merged = select(Organisation.id).where(Organisation.merged_into == organisation_id)
    own = or_(col(Notification.opens_id) == organisation_id, col(Notification.opens_id).in_(merged))
    statement = (
        select(Notification, Contact, Delivery)
        .join(Contact, col(Contact.id) == Notification.contact_id)
        .outerjoin(Delivery, col(Delivery.notification_id) == Notification.id)
        .where(Notification.opens == "profile", own)
        .order_by(col(Notification.id))
    )
    return [_exported(*row) for row in await session.exec(statement)]


def _exported(notification: Notification, contact: Contact, delivery: Delivery | None) -> ExportedLetter:
    return ExportedLetter.model_validate(
        {
            **notification.model_dump(include={"topic", "subject", "text"}),
            **contact.model_dump(include={"name", "email"}),
            "told_at": notification.created_at,
            **(delivery.model_dump(include={"status", "sent_at"}) if delivery else {}),
        }
    )
