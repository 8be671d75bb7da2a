"""The words organisations choose from."""

from shared.vocabulary import keys, label, vocabulary


def test_every_word_has_a_danish_and_an_english_label() -> None:
    for group, words in vocabulary().items():
        for key, labels in words.items():
            assert set(labels) == {"da", "en"}, (group, key)
            assert all(text.strip() == text != "" for text in labels.values()), (group, key)


def test_the_kinds_and_categories_are_those_of_the_interface() -> None:
    assert keys("kinds") == {"startup", "research", "producer", "supplier", "public", "network", "investor"}
    assert {"knowledge", "technology", "facility", "resource"} < keys("categories")
    assert {"talent", "funding", "market", "project"} < keys("categories")


def test_an_unknown_key_or_language_still_reads() -> None:
    assert label("answers", "yes", "da") == "Ja tak"
    assert label("hubs", "copenhagen", "de") == "København"
    assert label("sectors", "space", "da") == "space"
