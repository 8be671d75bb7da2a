"""How much of a stream an offer gives or a need takes, so that 40,000 tonnes a year and 110 t a day can be compared."""

from collections.abc import Mapping
from typing import Any

from services.matching.similarity import Amount

# Each unit in the base unit of its measure: kilogram, cubic metre, normal cubic metre of gas, kilowatt hour.
UNITS: Mapping[str, tuple[str, float]] = {
    **dict.fromkeys(("g", "gram", "grams"), ("mass", 0.001)),
    **dict.fromkeys(("kg", "kilo", "kilogram", "kilograms"), ("mass", 1.0)),
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tonnes"), ("mass", 1_000.0)),
    **dict.fromkeys(("kt", "kton"), ("mass", 1_000_000.0)),
    **dict.fromkeys(("l", "litre", "litres", "liter", "liters"), ("volume", 0.001)),
    **dict.fromkeys(("hl", "hectolitre", "hektoliter"), ("volume", 0.1)),
    **dict.fromkeys(("m3", "m³", "kubikmeter", "cubic metre", "cubic metres", "cubic meter"), ("volume", 1.0)),
    **dict.fromkeys(("nm3", "nm³"), ("gas", 1.0)),
    "kwh": ("energy", 1.0),
    "mwh": ("energy", 1_000.0),
    "gwh": ("energy", 1_000_000.0),
    "twh": ("energy", 1_000_000_000.0),
    "mj": ("energy", 1 / 3.6),
    "gj": ("energy", 1_000 / 3.6),
    "tj": ("energy", 1_000_000 / 3.6),
}
A_YEAR: Mapping[str, float] = {"hour": 8_760.0, "day": 365.0, "week": 365 / 7, "month": 12.0, "year": 1.0}


def amount_of(resource: Mapping[str, Any]) -> Amount | None:
    """What a resource says in numbers, in a year where it says a period; None without a number or a known unit."""
    quantity, unit, per = (resource.get(name) for name in ("quantity", "unit", "per"))
    known = UNITS.get((unit or "").strip().casefold())
    if not quantity or known is None:
        return None
    measure, factor = known
    if per is None:
        return Amount(f"{measure} once", quantity * factor)
    return Amount(f"{measure} a year", quantity * factor * A_YEAR[per])
