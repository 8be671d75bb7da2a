"""The letters to organisations: the link of a profile, new partners, and introductions."""

from typing import Any

from services.notify.contacts import Person
from services.notify.letters.letter import Letter, Opens, Topic
from shared.contracts.matching import (
    IntroductionCompleted,
    IntroductionExpired,
    IntroductionFacts,
    IntroductionOutcomeWanted,
    IntroductionParty,
    IntroductionRequested,
    OrganisationContact,
    ProfileLinkRequested,
    SignInRequested,
    SuggestionsFound,
)


def profile_link(told: ProfileLinkRequested) -> list[Letter]:
    facts = {"name": told.recipient.name, "organisation": told.name, "reason": told.reason}
    opens = Opens("profile", told.organisation_id, told.link_version)
    return [Letter("profile_link", _person(told.recipient), facts, opens=opens)]


def sign_in(told: SignInRequested) -> list[Letter]:
    """By mail alone: whoever may read an inbox may not sign in by it."""
    to = Person(told.email, told.name, told.language)
    opens = Opens("sign_in", told.sign_in_id, told.version)
    return [Letter("sign_in", to, {"name": told.name}, opens=opens, in_inbox=False)]


def requested(told: IntroductionRequested) -> list[Letter]:
    """The side that has not answered is asked; it learns who asks, not yet whom to write to. A proposal asks both."""
    if told.proposal is not None:
        return _to_whom_it_names("introduction_proposed", told)
    asker, asked = _sides(told)
    return _to_party("introduction_requested", told, asked, asker)


def completed(told: IntroductionCompleted) -> list[Letter]:
    """Each side gets the other's contacts."""
    one, other = told.parties
    return [
        letter
        for mine, theirs in ((one, other), (other, one))
        for letter in _to_party("introduction_completed", told, mine, theirs, contacts=True)
    ]


def expired(told: IntroductionExpired) -> list[Letter]:
    """Only who said yes hears of it."""
    if told.proposal is not None:
        return _to_whom_it_names("introduction_expired", told)
    asker, asked = _sides(told)
    return _to_party("introduction_expired", told, asker, asked)


def outcome_wanted(told: IntroductionOutcomeWanted) -> list[Letter]:
    """Who has not said what became of it is asked."""
    return _to_whom_it_names("introduction_outcome", told)


def _to_whom_it_names(topic: Topic, told: IntroductionFacts) -> list[Letter]:
    """To the contacts of either side: a side that is not to be told has none in the message."""
    one, other = told.parties
    return [letter for mine, theirs in ((one, other), (other, one)) for letter in _to_party(topic, told, mine, theirs)]


def suggestions_found(told: SuggestionsFound) -> list[Letter]:
    """New profiles that are strong partners, each with the reason; nobody is told of none."""
    if not told.partners:
        return []
    facts = {
        "organisation": told.name,
        "partners": [
            {"id": str(each.organisation_id), "name": each.name, "explanation": each.explanation}
            for each in told.partners
        ],
        "more": told.more,
    }
    opens = Opens("profile", told.organisation_id, told.link_version)
    return [
        Letter("suggestions_found", _person(each), {**facts, "name": each.name}, opens=opens) for each in told.contacts
    ]


def _sides(told: IntroductionFacts) -> tuple[IntroductionParty, IntroductionParty]:
    one, other = told.parties
    return (one, other) if one.organisation_id == told.asked_by else (other, one)


def _to_party(
    topic: Topic, told: IntroductionFacts, mine: IntroductionParty, theirs: IntroductionParty, *, contacts: bool = False
) -> list[Letter]:
    shown = {
        "other": theirs.name,
        "summary": theirs.summary,
        "message": theirs.message,
        "explanation": told.explanation,
        "proposal": told.proposal.message if told.proposal is not None else None,
        "contacts": [_card(each) for each in theirs.contacts] if contacts else [],
        "organisation": mine.name,
    }
    opens = Opens("profile", mine.organisation_id, mine.link_version)
    return [
        Letter(topic, _person(each), {**shown, "name": each.name}, opens=opens, about_id=theirs.organisation_id)
        for each in mine.contacts
    ]


def _card(contact: OrganisationContact) -> dict[str, Any]:
    return {"name": contact.name, "title": contact.title, "email": contact.email, "phone": contact.phone}


def _person(contact: OrganisationContact) -> Person:
    return Person(contact.email, contact.name, contact.language)
