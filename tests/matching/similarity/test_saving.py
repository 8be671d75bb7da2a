"""An index that was saved and read again answers as it did; a file that does not fit is refused, whatever is wrong."""

from dataclasses import replace
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.matching.similarity import Index, Profile, Recipe, Unreadable, saving
from services.matching.similarity.text.terms import shipped
from tests.matching.similarity.organisations import CLUSTER, HEARING, PILOT_PLANT, YEAST
from tests.matching.similarity.test_exact import profiles, texts


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(profiles, max_size=6), st.lists(profiles, max_size=3), texts)
def test_a_saved_index_answers_like_the_one_that_was_built(
    tmp_path: Path, first: list[Profile], changed: list[Profile], sought: str
) -> None:
    built = Index.build(first)
    built.save(tmp_path / "index", b"what the caller notes")
    read, note = Index.load(tmp_path / "index")
    assert note == b"what the caller notes"
    gone = [UUID(int=1)]
    for one, other in ((built, read), (built.apply(changed, gone), read.apply(changed, gone))):
        assert len(one) == len(other)
        assert one.search(sought) == other.search(sought)
        for number in range(1, 10):
            assert one.suggest(UUID(int=number)) == other.suggest(UUID(int=number))
    assert [*built.rebuilt()._now.profiles()] == [*read.rebuilt()._now.profiles()]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "index"
    Index.build(CLUSTER).save(path, b"")
    return path


@pytest.mark.parametrize("kept", [0, 1, 100, 5_000, -1])
def test_a_file_cut_short_is_refused(saved: Path, kept: int) -> None:
    whole = saved.read_bytes()
    saved.write_bytes(whole[:kept])
    with pytest.raises(Unreadable):
        Index.load(saved)


def test_a_file_with_one_wrong_byte_is_refused_or_answers_the_same(saved: Path) -> None:
    whole, expected = saved.read_bytes(), Index.load(saved)[0].suggest(YEAST.id)
    refused = 0
    for at in range(0, len(whole), len(whole) // 60):
        saved.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            assert Index.load(saved)[0].suggest(YEAST.id) == expected
        except Unreadable:
            refused += 1
    assert refused > 50


def test_a_file_of_another_engine_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Unreadable):
        saving.read(saved, shipped(), Recipe(slope=0.1))
    monkeypatch.setattr(saving, "engine", lambda: "of tomorrow")
    with pytest.raises(Unreadable):
        Index.load(saved)


def test_a_file_that_is_not_there_is_no_index(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Index.load(tmp_path / "index")


def test_saving_leaves_one_file_and_replaces_an_older_one(saved: Path) -> None:
    Index.build([YEAST, PILOT_PLANT, replace(HEARING, published=False)]).save(saved, b"newer")
    read, note = Index.load(saved)
    assert (len(read), note, [*saved.parent.iterdir()]) == (3, b"newer", [saved])
