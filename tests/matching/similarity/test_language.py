"""The language of a text, its words, and the term table between the languages."""

from collections import Counter
from importlib.resources import files

import pytest

from services.matching.similarity.inverted_index.idf import grams
from services.matching.similarity.text.language import language_of, stem, stop_words, words
from services.matching.similarity.text.terms import content, pairs, read, shipped


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Vi søger en partner til rensning af spildevand", "da"),
        ("We are looking for a partner in wastewater treatment", "en"),
        ("Vi tilbyder downstream processing og scale-up i et state of the art-anlæg", "da"),
        ("Gærfløde", "da"),
        ("", None),
        ("12 bar", None),
        ("生物技术 🧬", None),
    ],
)
def test_a_text_tells_its_language_by_its_small_words(text: str, language: str | None) -> None:
    assert language_of(words(text)) == language


def test_a_text_without_small_words_is_told_by_its_terms() -> None:
    assert shipped().language_of(words("fermentation, wastewater treatment")) == "en"
    assert shipped().language_of(words("spildevandsrensning")) == "da"


def test_subscripts_and_letters_in_two_parts_are_read_as_people_read_them() -> None:
    assert words("CO₂ fra A\u030arhus, Power-to-X") == ["co2", "fra", "århus", "power", "to", "x"]


def test_a_danish_town_is_not_an_english_small_word() -> None:
    assert "by" not in stop_words("da")
    assert "by" in stop_words("en")


def test_a_compound_shares_grams_with_its_parts() -> None:
    whole, part = (grams(f"da {word}", 4, 1 << 18) for word in ("fermenteringsnetværk", "fermentering"))
    assert set(part) <= set(whole)


def test_stems_are_of_the_text_s_language() -> None:
    assert stem("fermenteringen", "da") == stem("fermentering", "da")
    assert stem("companies", "en") == stem("company", "en")


def test_a_phrase_of_the_table_is_read_as_one_word_more() -> None:
    table = read(["# remark", "", "cirkulær økonomi\tcircular economy\tcircular"])
    circular, economy = stem("circular", "en"), stem("economy", "en")
    assert list(table.phrases_in(["a", circular, economy], "en")) == [f"{circular} {economy}"]
    assert dict(table.meanings["da"]["cirkulær økonomi"]) == pytest.approx({circular: 0.5**0.5, economy: 0.5**0.5})


def test_what_is_written_by_hand_is_not_overruled_by_what_is_learnt() -> None:
    table = read(["gær\tyeast\tbioproduction"], ["# remark", "gær\tfoam\t0.9", "vand\twater\t0.9", "vand\twet\t0.1"])
    assert dict(table.meanings["da"]["gær"]) == {"yeast": 1}
    assert dict(table.meanings["da"]["vand"]) == pytest.approx({"water": 0.9, "wet": 0.1})


def shipped_lines() -> list[list[str]]:
    text = (files("services.matching.similarity.text") / "terms.tsv").read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if not line.startswith("#")]


def test_every_line_of_the_shipped_table_has_three_columns_and_no_danish_word_stands_twice() -> None:
    lines = shipped_lines()
    assert len(lines) >= 9_000
    assert {len(line) for line in lines} == {3}
    danish = Counter(word for line in lines for word in line[0].split("|"))
    assert [word for word, times in danish.items() if times > 1] == []


def test_the_shipped_table_is_sorted_by_domain_then_by_danish_word() -> None:
    lines = shipped_lines()
    assert lines == sorted(lines, key=lambda line: (line[2], line[0].casefold()))


def test_texts_can_hold_every_word_of_the_shipped_table() -> None:
    columns = [(line[at], code) for line in shipped_lines() for at, code in enumerate(("da", "en"))]
    words_of = [(word, code) for column, code in columns for word in column.split("|")]
    assert [word for word, code in words_of if not content(word, code)] == []


def test_no_line_of_the_shipped_table_only_says_what_others_say() -> None:
    said = Counter(pair for line in shipped_lines() for pair in set(pairs(["\t".join(line)])))
    idle = [line for line in shipped_lines() if all(said[pair] > 1 for pair in pairs(["\t".join(line)]))]
    assert idle == []


@pytest.mark.parametrize(
    ("danish", "english"),
    [
        ("spildevandsrensning", "wastewater treatment"),
        ("lægemidler", "drug"),
        ("universitetet", "university"),
        ("laboratorier", "laboratory"),
        ("tørt", "dry"),
        ("gård", "farm"),
        ("tyske", "German"),
        ("håndterer", "handle"),
    ],
)
def test_field_and_everyday_words_are_known_both_ways(danish: str, english: str) -> None:
    meanings, da, en = shipped().meanings, content(danish, "da"), content(english.lower(), "en")
    assert set(en.split()) <= dict(meanings["da"][da]).keys()
    assert da in dict(meanings["en"][en])
