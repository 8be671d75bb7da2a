"""The table. A line a route: who is let in; everybody else is refused, with 404 unless the line says otherwise.

401 is for nobody, 403 for who may see the thing but not do this, 404 for who may not see it, 410 for a link that was
replaced. A `{draft}` is an event, a `{hidden}` an organisation that is not published, an `{erased}` one that is gone.
"""

from shared.settings import ServiceName
from tests.authorisation.rows import (
    LET_IN,
    SIGNED_IN,
    TOKENS,
    Row,
    anybody,
    may,
    nothing,
    own_page,
    page,
    refused,
    unasked,
)

OPERATORS = {
    "GET /livez": unasked(),
    "GET /readyz": unasked(503),  # these services run without a bus
    "GET /metrics": unasked(),
    "GET /ops/dead-letters": may("admin"),
    "POST /ops/dead-letters/{stream}/{stream_seq}/replay": may("admin"),
    "GET /docs/oauth2-redirect": unasked(),
}

ORGANISERS = ("organiser", "admin")
# The key that was answered to who signed up manages that sign-up; it was mailed to nobody.
REGISTRATION = ("registration link", "sign_up link", "contact person", "manager", "organiser", "admin")
ATTENDEE = ("attendee link", *REGISTRATION)
# A token counts at all doors of its organisation, a key at those of the events it names.
DOOR = ("door", "door key")
READING, READING_PEOPLE = ("integration key", "personal data key"), ("personal data key",)
SEE_DRAFTS = dict.fromkeys(READING, 403)

EVENTS = OPERATORS | {
    "GET /openapi/events.json": unasked(),
    "GET /docs/events": unasked(),
    "POST /v1/events": may(ORGANISERS, others=403),
    "GET /v1/events": anybody(),
    "GET /v1/events/{event}": anybody(),
    "GET /v1/events/{draft}": may(ORGANISERS, READING, nobody=404),
    "PATCH /v1/events/{event}": may(ORGANISERS, others=403),
    "PATCH /v1/events/{draft}": may(ORGANISERS, but=SEE_DRAFTS),
    "DELETE /v1/events/{event}": may(ORGANISERS, others=403, let_in=(409,)),  # a published one stays
    "DELETE /v1/events/{draft}": may(ORGANISERS, but=SEE_DRAFTS),
    "POST /v1/events/{draft}/publish": may(ORGANISERS, but=SEE_DRAFTS),
    "POST /v1/events/{event}/publish": may(ORGANISERS, others=403),
    "POST /v1/events/{event}/cancel": may(ORGANISERS, others=403),
    "POST /v1/events/{draft}/cancel": may(ORGANISERS, but=SEE_DRAFTS, let_in=(409,)),  # it can be deleted
    "POST /v1/events/{event}/complete": may(ORGANISERS, others=403, let_in=(409,)),  # it has not begun
    "POST /v1/events/{draft}/complete": may(ORGANISERS, but=SEE_DRAFTS, let_in=(409,)),
    "POST /v1/events/{event}/registrations": anybody(),
    "POST /v1/events/{event}/registrations/recognise": may(ORGANISERS, others=403),
    "POST /v1/registrations/{registration}/recognise": may("manager", ORGANISERS),
    "POST /v1/confirmations": may("confirmation link"),
    "GET /v1/events/{event}/registrations": may("manager", "other manager", ORGANISERS, READING_PEOPLE, others=403),
    "GET /v1/events/{draft}/registrations": may(ORGANISERS, READING_PEOPLE, but={"integration key": 403}),
    "GET /v1/registrations/{registration}": may(REGISTRATION),
    "PATCH /v1/registrations/{registration}": may(REGISTRATION, but={"sign_up link": 403}),
    "POST /v1/registrations/{registration}/attendees": may(REGISTRATION),
    "POST /v1/registrations/{registration}/cancel": may(REGISTRATION),
    "POST /v1/registrations/{registration}/resend": may(REGISTRATION),
    "POST /v1/registrations/{registration}/links": may(REGISTRATION, but={"sign_up link": 403}),
    "GET /v1/registrations/{registration}/calendar.ics": may(REGISTRATION),
    "GET /v1/events/{event}/attendees": may("manager", "other manager", ORGANISERS, DOOR, READING_PEOPLE, others=403),
    "GET /v1/events/{draft}/attendees": may(ORGANISERS, READING_PEOPLE, but={"integration key": 403}),
    "GET /v1/attendees/{attendee}": may(ATTENDEE, DOOR),
    "PATCH /v1/attendees/{attendee}": may(ATTENDEE),
    "POST /v1/attendees/{attendee}/cancel": may(ATTENDEE),
    "POST /v1/attendees/{attendee}/links": may(
        "attendee link",
        ORGANISERS,
        but=dict.fromkeys(("registration link", "sign_up link", "contact person", "manager"), 403)
        | dict.fromkeys(("outdated registration link", "outdated sign_up link"), 410),
    ),
    "GET /v1/attendees/{attendee}/calendar.ics": may(ATTENDEE),
    "POST /v1/events/{event}/check-ins": may(ORGANISERS, DOOR, others=403),
    "GET /v1/events/{event}/check-ins": may(ORGANISERS, DOOR, others=403),
    "DELETE /v1/events/{event}/check-ins/{check_in}": may(ORGANISERS, DOOR, others=403),
    "GET /v1/events/{event}/attendance": may(ORGANISERS, DOOR, READING, others=403),
    "GET /v1/events/{draft}/attendance": may(ORGANISERS, READING),
    "GET /v1/events/{event}/capacity": may(ORGANISERS, READING, others=403),
    "GET /v1/events/{draft}/capacity": may(ORGANISERS, READING),
    "GET /v1/events/{event}/calendar.ics": anybody(),
    "GET /v1/events/{draft}/calendar.ics": may(ORGANISERS, READING, nobody=404),
    "GET /v1/calendar.ics": unasked(),
    # Who has the code has the ticket.
    "GET /v1/tickets/{code}/qr.svg": unasked(),
    "GET /v1/tickets/{code}/qr.png": unasked(),
    "GET /t/{code}": unasked(),
    "GET /t/{code}/calendar.ics": unasked(),
    "GET /t/{rest}": nothing(),
    "POST /t/{rest}": nothing(),
    "GET /p/events/{event}": unasked(),
    "GET /p/events/{draft}": nothing(),
    "POST /p/events/{event}": unasked(),
    "POST /p/events/{draft}": nothing(),
    "GET /p/events/registrations/{registration}": page("registration link", "sign_up link"),
    "GET /p/events/registrations/{registration}/calendar.ics": page("registration link", "sign_up link"),
    "POST /p/events/registrations/{registration}/resend": page("registration link", "sign_up link"),
    "GET /p/events/registrations/{registration}/cancel": page("registration link", "sign_up link"),
    "POST /p/events/registrations/{registration}/cancel": page("registration link", "sign_up link"),
    "GET /p/events/registrations/{registration}/attendees/{attendee}": page("registration link", "sign_up link"),
    "POST /p/events/registrations/{registration}/attendees/{attendee}": page("registration link", "sign_up link"),
    # Of a contact person who attends; these are others, and nobody agrees for them.
    "POST /p/events/registrations/{registration}/attendees/{attendee}/consents": page(
        but=dict.fromkeys(("registration link", "sign_up link"), 403)
        | dict.fromkeys(("outdated registration link", "outdated sign_up link"), 410)
    ),
    # Only the attendee's own link: what is done there is done in the attendee's name.
    "GET /p/events/attendees/{attendee}": page("attendee link"),
    "GET /p/events/attendees/{attendee}/calendar.ics": page("attendee link"),
    "GET /p/events/attendees/{attendee}/name": page("attendee link"),
    "POST /p/events/attendees/{attendee}/name": page("attendee link"),
    "POST /p/events/attendees/{attendee}/consents": page("attendee link"),
    "GET /p/events/attendees/{attendee}/cancel": page("attendee link"),
    "POST /p/events/attendees/{attendee}/cancel": page("attendee link"),
    "GET /p/events/confirmations": page("confirmation link"),
    "POST /p/events/confirmations": page("confirmation link"),
    "GET /p/events/{rest}": nothing(),
    "POST /p/events/{rest}": nothing(),
}

# Whoever acts for the organisation. A contact person is a member of it here.
ITS_PEOPLE = ("contact person", "member", "manager", "profile link")
OTHER_PEOPLE = ("other member", "other manager", "other profile link")
ITS_SIGNED_IN = ("signed-in manager", "signed-in admin")
OUTDATED = {"outdated profile link": 410}  # it is read to learn whose people ask

MATCHING = OPERATORS | {
    "GET /openapi/matching.json": unasked(),
    "GET /docs/matching": unasked(),
    "POST /v1/organisations": anybody(),
    "GET /v1/organisations": anybody(),
    "GET /v1/organisations/{organisation}": anybody(OUTDATED),
    "GET /v1/organisations/{hidden}": may(ITS_PEOPLE, "admin", nobody=404),
    "PATCH /v1/organisations/{organisation}": may(ITS_PEOPLE, "admin", others=403),
    "PATCH /v1/organisations/{hidden}": may(ITS_PEOPLE, "admin"),
    "DELETE /v1/organisations/{organisation}": may("manager", "profile link", "admin", others=403),
    "DELETE /v1/organisations/{hidden}": may(
        "manager", "profile link", "admin", but={"contact person": 403, "member": 403}
    ),
    "DELETE /v1/organisations/{erased}": may("manager", "profile link", "admin"),
    "GET /v1/organisations/{erased}/erasure": may("manager", "profile link", "admin"),
    "GET /v1/organisations/{organisation}/erasure": may(),
    "GET /v1/organisations/{organisation}/export": may("manager", "profile link", "admin", others=403),
    "GET /v1/organisations/{hidden}/export": may(
        "manager", "profile link", "admin", but={"contact person": 403, "member": 403}
    ),
    "GET /v1/organisations/{erased}/export": may(),
    "POST /v1/organisations/import": may("admin", others=403),
    "POST /v1/organisations/{organisation}/claim": anybody(),
    "POST /v1/organisations/{hidden}/claim": anybody(),
    "GET /v1/organisations/claims": may("admin", others=403),
    "POST /v1/organisations/{organisation}/claims/{claim}/approve": may("admin", others=403),
    "POST /v1/organisations/{organisation}/claims/{claim}/reject": may("admin", others=403),
    "POST /v1/organisations/{organisation}/links": may("manager", "profile link", "admin", others=403),
    "POST /v1/organisations/{hidden}/links": may(
        "manager", "profile link", "admin", but={"contact person": 403, "member": 403}
    ),
    "POST /v1/organisations/{organisation}/merge": may("admin", others=403),
    "POST /v1/organisations/{hidden}/merge": may("admin", others=403),
    "GET /v1/organisations/{organisation}/units": may("manager", "profile link", "admin", others=403),
    "POST /v1/organisations/{organisation}/units/{unit}/accept": may("manager", "profile link", "admin", others=403),
    # Refused once, it is no unit of it any more.
    "POST /v1/organisations/{organisation}/units/{unit}/refuse": may(
        "manager", "profile link", "admin", others=403, let_in=(404,)
    ),
    "DELETE /v1/organisations/{organisation}/units/{unit}": may("manager", "profile link", "admin", others=403),
    "GET /v1/organisations/{organisation}/members": may("manager", "admin", others=403, but=OUTDATED),
    "GET /v1/organisations/{hidden}/members": may(
        "manager", "admin", but={"contact person": 403, "member": 403, "profile link": 403, **OUTDATED}
    ),
    "POST /v1/organisations/{organisation}/members": may("manager", "admin", others=403, but=OUTDATED),
    "DELETE /v1/organisations/{organisation}/members/{member}": may("manager", "admin", others=403, but=OUTDATED),
    "GET /v1/organisations/{organisation}/suggestions": may(ITS_PEOPLE, "admin", others=403),
    "GET /v1/organisations/{organisation}/suggestions?event={event}": may(ITS_PEOPLE, "organiser", "admin", others=403),
    "GET /v1/organisations/{hidden}/suggestions": may(ITS_PEOPLE, "admin"),
    "PUT /v1/organisations/{organisation}/suggestions/{other}/answer": may(ITS_PEOPLE, "admin", others=403),
    "PUT /v1/organisations/{hidden}/suggestions/{other}/answer": may(ITS_PEOPLE, "admin"),
    "DELETE /v1/organisations/{organisation}/suggestions/{other}/answer": may(ITS_PEOPLE, "admin", others=403),
    "GET /v1/cases": may("admin", others=403),
    "POST /v1/cases/{case}/settle": may("admin", others=403),
    "GET /v1/introductions": may(ITS_PEOPLE, OTHER_PEOPLE, "admin", others=403),
    "POST /v1/introductions": may("admin", others=403),
    "GET /v1/introductions/{introduction}": may(ITS_PEOPLE, "admin"),
    # The secretariat sees what became of it, and says nothing for a side.
    "POST /v1/introductions/{introduction}/outcome": may(ITS_PEOPLE, but={"admin": 403}),
    "POST /v1/search": may(ITS_PEOPLE, OTHER_PEOPLE, "organiser", "other organiser", "admin", others=403),
    "POST /v1/api-keys": may("organiser", "admin", others=403, but={"other organiser": 403}),
    "GET /v1/api-keys": may("organiser", "other organiser", "admin", others=403),
    "DELETE /v1/api-keys/{api_key}": may("organiser", "admin"),
    "POST /v1/sign-in": unasked(),
    "POST /v1/sign-in/redeem": may("sign_in link", "other sign_in link"),
    "POST /v1/sign-in/sign-out": anybody({"nobody": 401, **dict.fromkeys(SIGNED_IN, 401)}),
    "GET /v1/vocabulary": unasked(),
    # Everybody may see a published organisation, but only by its own link act for it.
    "GET /p/matching/organisations/{organisation}": page("profile link", others=403, signed_in=ITS_SIGNED_IN),
    "GET /p/matching/organisations/{hidden}": page("profile link", signed_in=ITS_SIGNED_IN),
    "GET /p/matching/organisations/{organisation}/edit": page("profile link", others=403, signed_in=ITS_SIGNED_IN),
    # The second to write finds what the first has written.
    "POST /p/matching/organisations/{organisation}/edit": page(
        "profile link", others=403, signed_in=ITS_SIGNED_IN, let_in=(412,)
    ),
    "POST /p/matching/organisations/{hidden}/edit": page("profile link", signed_in=ITS_SIGNED_IN, let_in=(412,)),
    "POST /p/matching/organisations/{organisation}/publish": page("profile link", others=403, signed_in=ITS_SIGNED_IN),
    "POST /p/matching/organisations/{hidden}/publish": page("profile link", signed_in=ITS_SIGNED_IN),
    "POST /p/matching/organisations/{organisation}/answers/{other}": page(
        "profile link", others=403, signed_in=ITS_SIGNED_IN
    ),
    "POST /p/matching/organisations/{organisation}/introductions/{introduction}/outcome": page(
        "profile link", others=403, signed_in=("signed-in manager",), but={"signed-in admin": 422}
    ),
    # Who asks is nobody in particular, and whoever looks at a mailed link's page has done nothing by it.
    "GET /p/matching/sign-in": anybody({"invalid token": LET_IN, "revoked key": LET_IN, "invalid key": 404}),
    "POST /p/matching/sign-in": unasked(),
    "POST /p/matching/sign-in/redeem": page("sign_in link", "other sign_in link"),
    "GET /p/matching/sign-in/renew": unasked(),
    "GET /p/matching/sign-in/with/{issuer}": nothing(),  # these services trust none
    "GET /p/matching/sign-in/back": refused(),  # no browser of theirs had left
    "POST /p/matching/sign-in/sign-out": own_page(),
    "GET /p/matching/me": own_page(),
}

# An inbox belongs to an e-mail address: a token opens the one of its own, a link the one of its contact.
OWN_INBOX = (*TOKENS, "contact link", "other contact link")
# The link of an old mail goes on working: all it can do is stop mails.
UNSUBSCRIBE = ("unsubscribe link", "other unsubscribe link")
OF_AN_OLD_MAIL = {"outdated unsubscribe link": LET_IN}

NOTIFY = OPERATORS | {
    "GET /openapi/notify.json": unasked(),
    "GET /docs/notify": unasked(),
    "GET /v1/inbox": may(OWN_INBOX, but={"outdated contact link": 410}),
    "GET /v1/inbox/stream": may(OWN_INBOX),
    "POST /v1/inbox/read-all": may(OWN_INBOX),
    "POST /v1/inbox/{notification}/read": may("contact person", "contact link"),
    "POST /v1/inbox/{notification}/archive": may("contact person", "contact link"),
    "GET /v1/preferences": may(OWN_INBOX),
    "PUT /v1/preferences": may(OWN_INBOX),
    "GET /v1/unsubscribe": may(UNSUBSCRIBE, but=OF_AN_OLD_MAIL),
    "POST /v1/unsubscribe": may(UNSUBSCRIBE, but=OF_AN_OLD_MAIL),
    "GET /v1/deliveries": may("organiser", "other organiser", "admin"),
    "POST /v1/deliveries/{delivery}/retry": may("organiser", "admin"),
    "POST /v1/links": unasked(),
    "GET /p/notify/inbox": page("contact link", "other contact link"),
    "POST /p/notify/inbox/read-all": page("contact link", "other contact link"),
    "POST /p/notify/inbox/{notification}/archive": page("contact link"),
    "GET /p/notify/unsubscribe": page(*UNSUBSCRIBE, but=OF_AN_OLD_MAIL),
    "POST /p/notify/unsubscribe": page(*UNSUBSCRIBE, but=OF_AN_OLD_MAIL),
    "GET /p/notify/links": anybody({"invalid token": LET_IN, "revoked key": LET_IN, "invalid key": 404}),
    "POST /p/notify/links": unasked(),
    "GET /p/notify/{rest}": nothing(),
    "POST /p/notify/{rest}": nothing(),
}

ROUTES: dict[ServiceName, dict[str, Row]] = {"events": EVENTS, "matching": MATCHING, "notify": NOTIFY}
