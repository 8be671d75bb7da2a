"""Finds partners by what organisations offer and need, in Danish and English, and says why."""

from services.matching.similarity.calculation import Calculation
from services.matching.similarity.index import Index
from services.matching.similarity.inverted_index.packing import pack, unpack
from services.matching.similarity.profile import (
    Amount,
    Fit,
    Ground,
    Profile,
    Reason,
    Statement,
    Suggestion,
    Tie,
    Unreadable,
    Wanted,
)
from services.matching.similarity.recipe import Recipe

__all__ = [
    "Amount",
    "Calculation",
    "Fit",
    "Ground",
    "Index",
    "Profile",
    "Reason",
    "Recipe",
    "Statement",
    "Suggestion",
    "Tie",
    "Unreadable",
    "Wanted",
    "pack",
    "unpack",
]
