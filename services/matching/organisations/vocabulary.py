"""The words organisations choose from, with Danish and English labels, kept in `vocabulary.json` beside this module."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

Labels = Mapping[str, str]  # by language


@cache
def vocabulary() -> Mapping[str, Mapping[str, Labels]]:
    """Group, key, labels; in the order of the file."""
    text = (files(__package__) / "vocabulary.json").read_text(encoding="utf-8")
    groups: dict[str, dict[str, Labels]] = json.loads(text)
    return MappingProxyType(groups)


def keys(group: str) -> frozenset[str]:
    """What may be chosen in a group: `kinds`, `categories`, `sectors`, `focus_areas`, `hubs`, `streams` …"""
    return frozenset(vocabulary()[group])


def label(group: str, key: str, language: str) -> str:
    """The label of a key, Danish where the language is not known; the key itself where it is unknown."""
    labels = vocabulary()[group].get(key, {})
    return labels.get(language) or labels.get("da") or key
