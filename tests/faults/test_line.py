"""What judges whether the line was served in order is judged here, by short histories."""

from collections.abc import Sequence
from uuid import UUID

from tests.faults.line import History, Moved, Room, Told, Wish

ASTA, BO, CARL, DITTE, ELSE = (UUID(int=number) for number in range(1, 6))
GROUP = UUID(int=90)


def came(who: UUID, status: str, ticket_type: str | None = None, registration: UUID | None = None) -> Told:
    return Told(registration or who, f"sign-up of {who.int}", (Moved(who, None, status, ticket_type),))


def left(who: UUID, ticket_type: str | None = None, before: str = "confirmed", during: str = "") -> Told:
    return Told(who, during or f"leaving of {who.int}", (Moved(who, before, "cancelled", ticket_type),))


def promoted(who: UUID, during: str, ticket_type: str | None = None, registration: UUID | None = None) -> Told:
    return Told(registration or who, during, (Moved(who, "waitlisted", "confirmed", ticket_type),))


def played(room: Room, told: Sequence[Told], **wishes: Wish) -> History:
    """Everybody takes any seat, alone, unless a wish of the number of the attendee says otherwise."""
    alone = {who: Wish((None,), together=False) for who in (ASTA, BO, CARL, DITTE, ELSE)}
    history = History(room, alone | {UUID(int=int(name[1:])): wish for name, wish in wishes.items()})
    history.play(told)
    return history


def one_seat() -> Room:
    return Room(whole=1, by_type={})


def test_who_waited_first_gets_the_seat() -> None:
    line = [came(ASTA, "confirmed"), came(BO, "waitlisted"), came(CARL, "waitlisted")]
    history = played(one_seat(), [*line, left(ASTA), promoted(BO, "leaving of 1")])
    assert (history.out_of_order, history.oversold) == ([], [])
    assert history.status == {ASTA: "cancelled", BO: "confirmed", CARL: "waitlisted"}


def test_overtaking_is_seen() -> None:
    line = [came(ASTA, "confirmed"), came(BO, "waitlisted"), came(CARL, "waitlisted")]
    history = played(one_seat(), [*line, left(ASTA), promoted(CARL, "leaving of 1")])
    assert len(history.out_of_order) == 1


def test_a_freed_seat_that_nobody_gets_is_seen() -> None:
    history = played(one_seat(), [came(ASTA, "confirmed"), came(BO, "waitlisted"), left(ASTA)])
    assert len(history.out_of_order) == 1


def test_a_promotion_in_a_later_transaction_is_seen() -> None:
    line = [came(ASTA, "confirmed"), came(BO, "waitlisted")]
    assert len(played(one_seat(), [*line, left(ASTA), promoted(BO, "later")]).out_of_order) == 1


def test_a_seat_too_many_is_seen() -> None:
    assert len(played(one_seat(), [came(ASTA, "confirmed"), came(BO, "confirmed")]).oversold) == 1


def test_who_wants_a_full_ticket_type_is_passed_over() -> None:
    room = Room(whole=2, by_type={"press": 1})
    line = [came(ASTA, "confirmed", "press"), came(BO, "confirmed"), came(CARL, "waitlisted", "press")]
    told = [*line, came(DITTE, "waitlisted"), left(BO), promoted(DITTE, "leaving of 2")]
    assert played(room, told, a3=Wish(("press",), together=False)).out_of_order == []


def test_who_accepts_another_ticket_type_is_not_passed_over() -> None:
    room = Room(whole=2, by_type={"press": 1})
    line = [came(ASTA, "confirmed", "press"), came(BO, "confirmed"), came(CARL, "waitlisted", "press")]
    told = [*line, came(DITTE, "waitlisted"), left(BO), promoted(DITTE, "leaving of 2")]
    assert len(played(room, told, a3=Wish(("press", "guest"), together=False)).out_of_order) == 1


def test_a_group_that_waits_together_moves_together_or_lets_others_pass() -> None:
    group = {"a3": Wish((None,), together=True), "a4": Wish((None,), together=True)}
    waiting = [came(each, "waitlisted", registration=GROUP) for each in (CARL, DITTE)]
    line = [came(ASTA, "confirmed"), came(BO, "confirmed"), *waiting, came(ELSE, "waitlisted")]
    passed = [*line, left(ASTA), promoted(ELSE, "leaving of 1")]
    assert played(Room(2, {}), passed, **group).out_of_order == []
    half = [*line, left(ASTA), promoted(CARL, "leaving of 1", registration=GROUP)]
    assert len(played(Room(2, {}), half, **group).out_of_order) == 1
