"""The cluster's own words, with Danish and English labels, kept in `vocabulary.json` beside this module."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

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


class Choice:
    """One of the keys of a group of the vocabulary."""

    def __init__(self, group: str) -> None:
        self._group = group

    def __get_pydantic_core_schema__(self, _: Any, __: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(sorted(keys(self._group)))


Kind = Annotated[str, Choice("kinds")]
FocusArea = Annotated[str, Choice("focus_areas")]
Hub = Annotated[str, Choice("hubs")]
