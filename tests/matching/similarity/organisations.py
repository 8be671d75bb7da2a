"""Invented organisations of a cluster, for stories about who is proposed to whom."""

from uuid import UUID, uuid4

from services.matching.similarity import Profile, Statement


def offer(text: str, category: str = "knowledge", **more: object) -> Statement:
    return Statement(str(uuid4()), category, (text,), **more)  # type: ignore[arg-type]  # one line per story


need = offer


def organisation(kind: str, *summary: str, parent: UUID | None = None, **more: object) -> Profile:
    return Profile(uuid4(), kind, summary, parent=parent, **more)  # type: ignore[arg-type]  # one line per story


YEAST = organisation(
    "startup",
    "Vi udvikler proteiner ved præcisionsfermentering i gær.",
    offers=(offer("Stammeudvikling og præcisionsfermentering"),),
    needs=(need("Vi søger et pilotanlæg, hvor vi kan opskalere vores fermentering til 1.000 liter.", "facility"),),
    sectors=frozenset({"biotech"}),
)
PILOT_PLANT = organisation(
    "supplier",
    "Test centre with fermentation tanks for companies that scale up a bioprocess.",
    offers=(offer("Pilot plant for fermentation, 100 to 5,000 litres", "facility"),),
    needs=(need("Companies with a yeast strain that is ready for scale-up", "market"),),
    sectors=frozenset({"biotech"}),
)
HEARING = organisation(
    "research",
    "Forsker i høreapparater og signalbehandling ved høretab.",
    offers=(offer("Måling af hørelse i lydlaboratorium", "facility"),),
    needs=(need("Kliniske forsøg med brugere af høreapparater", "project"),),
    sectors=frozenset({"medtech"}),
)
POWER_STATION = organisation(
    "producer",
    "Kraftvarmeværk, der leverer damp og fjernvarme.",
    offers=(offer("Procesdamp, 12 bar, hele året", "resource", stream="steam"),),
)
SILENT = organisation("startup")
CLUSTER = (YEAST, PILOT_PLANT, HEARING, POWER_STATION, SILENT)
