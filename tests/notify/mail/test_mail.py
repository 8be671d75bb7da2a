"""A mail as it goes over the wire."""

from datetime import UTC, datetime
from email import message_from_bytes, policy

import pytest
from pydantic import ValidationError

from services.notify.letters.wording import MailWords
from services.notify.mail.mail import CalendarAttachment, Mail, compose
from services.notify.settings import Settings


def mail(**changes: object) -> Mail:
    facts = {
        "sender": "Videnbro <videnbro@example.org>",
        "to_email": "soeren@example.org",
        "to_name": 'Søren "Bo" Æbelø, ApS',
        "message_id": "<1@example.org>",
        "date": datetime(2019, 5, 17, 7, 0, tzinfo=UTC),
        "language": "da",
        "words": MailWords("Tilmelding på Ærø – bekræftet", "Kære Søren\n\n.\nFrom here\n", "<p>Kære Søren</p>\n"),
        "calendar": CalendarAttachment(b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "REQUEST", "a.ics"),
    }
    return Mail(**{**facts, **changes})  # type: ignore[arg-type]  # facts are typed where they are given


def test_what_is_written_is_what_is_read() -> None:
    raw = compose(mail())
    message = message_from_bytes(raw, policy=policy.default)
    assert message["Subject"] == "Tilmelding på Ærø – bekræftet"
    assert message["To"].addresses[0].display_name == 'Søren "Bo" Æbelø, ApS'
    assert message["To"].addresses[0].addr_spec == "soeren@example.org"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Date"].datetime == datetime(2019, 5, 17, 7, 0, tzinfo=UTC)
    plain, html, calendar = [part for part in message.walk() if not part.is_multipart()]
    assert plain.get_content().replace("\r\n", "\n") == "Kære Søren\n\n.\nFrom here\n"
    assert "<p>Kære Søren</p>" in html.get_content()
    assert calendar.get_content_type() == "text/calendar"
    assert calendar.get_param("method") == "REQUEST"
    assert calendar.get_filename() == "a.ics"


@pytest.mark.parametrize("length", range(20, 120, 7))
def test_a_folded_subject_keeps_its_spaces(length: int) -> None:
    subject = f"{'Alliancen Biotekbyen: underskrivelse af samarbejdserklæringen ' * 3}"[:length] + "på Ærø"
    message = message_from_bytes(compose(mail(words=MailWords(subject, "", ""))), policy=policy.default)
    assert message["Subject"] == subject


def test_lines_are_short_seven_bits_and_end_in_both_characters() -> None:
    raw = compose(mail(words=MailWords("Å" * 250, "å" * 2000, "<p>" + "å" * 5000)))
    raw.decode("ascii")
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


def test_nobody_can_add_a_header_by_a_name() -> None:
    message = message_from_bytes(compose(mail(to_name="Mette\r\nBcc: all@example.org")), policy=policy.default)
    assert message["Bcc"] is None
    assert message["To"].addresses[0].addr_spec == "soeren@example.org"


def test_a_domain_of_danish_letters_is_written_in_seven_bits() -> None:
    raw = compose(mail(to_email="mette@rødgrød.example", sender="Videnbro <post@rødgrød.example>"))
    raw.decode("ascii")
    message = message_from_bytes(raw, policy=policy.default)
    assert message["To"].addresses[0].addr_spec == "mette@xn--rdgrd-vuad.example"
    assert message["From"].addresses[0].addr_spec == "post@xn--rdgrd-vuad.example"


def test_what_looks_encoded_is_read_as_it_was_written() -> None:
    name, subject = "=?utf-8?Q?Direkt=C3=B8ren?=", "=?utf-8?B?w6Y=?= og andet"
    message = message_from_bytes(compose(mail(to_name=name, words=MailWords(subject, "", ""))), policy=policy.default)
    assert message["To"].addresses[0].display_name == name
    assert message["Subject"] == subject


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"smtp_url": "http://example.org"}, "smtp_url must name a server"),
        ({"smtp_url": "smtp://"}, "smtp_url must name a server"),
        ({"mail_from": "Videnbro"}, "mail_from must hold an ASCII address"),
        ({"mail_from": "søren@example.org"}, "mail_from must hold an ASCII address"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_a_clear_word(settings: dict[str, str], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Settings(**settings)  # type: ignore[arg-type]  # pydantic turns text into a secret


def test_production_needs_a_mail_server_of_its_own() -> None:
    with pytest.raises(ValidationError, match="smtp_url: production mode"):
        Settings.model_validate(
            {
                "mode": "production",
                "link_secret": "a-secret-of-our-own-that-is-long-enough",
                "jwt_public_key": "key",
                "database_url": "sqlite+aiosqlite:///kept.db",
            }
        )
