"""The profile that two organisations have once they are one."""

from typing import Any

from services.matching.organisations.fields import MOST_STATEMENTS
from services.matching.organisations.statements import joined
from services.matching.tables import Organisation
from shared.problems import Problem

# What one of two registrations may have left open. Not `parent`: what has none stands alone, and says so by it.
_FILLED = (
    "kind", "cvr", "p_number", "size", "locations", "website", "sectors", "focus_areas", "hub",
    "languages", "contacts", "import_key",
)  # fmt: skip


class TooManyStatements(Problem):
    """`missing_room` says how many of `field` have to go first."""

    status, slug, title = 409, "too-many-statements", "Together they say more than a profile holds"


def taken_over(merged: Organisation, into: Organisation) -> dict[str, Any]:
    """The fields that change by taking over what the other says, with their new values.

    What the survivor leaves open is filled, texts by language; offers and needs are joined, the same said once.
    """
    fields = {name: getattr(merged, name) for name in _FILLED if not getattr(into, name) and getattr(merged, name)}
    if merged.country != into.country:
        # A company number means nothing in another country.
        fields.pop("cvr", None)
    if merged.cvr_proven and merged.cvr == fields.get("cvr", into.cvr):
        fields["cvr_proven"] = True
    if merged.imported and not into.imported:
        fields["imported"] = True
    summary = {**(merged.summary or {}), **(into.summary or {})}
    if summary != (into.summary or {}):
        fields["summary"] = summary
    return fields | _statements(merged, into) | _published_state(merged, into, fields.get("kind", into.kind))


def _statements(merged: Organisation, into: Organisation) -> dict[str, Any]:
    fields = {}
    for name in ("offers", "needs"):
        held = getattr(into, name)
        both = joined(held, getattr(merged, name))
        if len(both) > max(MOST_STATEMENTS, len(held)):
            raise TooManyStatements(
                f"Together they have {len(both)} {name}; a profile has at most {MOST_STATEMENTS}.",
                field=name,
                missing_room=len(both) - MOST_STATEMENTS,
            )
        if len(both) > len(held):
            fields[name] = both
    return fields


def _published_state(merged: Organisation, into: Organisation, kind: str | None) -> dict[str, Any]:
    """Whose people have claimed either have claimed both; hidden by its own people, a profile stays hidden."""
    fields: dict[str, Any] = {}
    if merged.claimed and not into.claimed:
        fields["claimed"] = True
    if merged.publish_when_claimed and not into.publish_when_claimed:
        fields["publish_when_claimed"] = True
    if merged.published and not into.published and not into.claimed and kind is not None:
        fields["published"] = True
    return fields
