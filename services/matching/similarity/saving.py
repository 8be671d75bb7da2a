"""An index as a file. It is read again only by the same engine: other code, tables or settings count anew.

The file is an uncompressed archive of arrays (`numpy.savez`, checksums included); nothing in it is executed.
"""

import time
from collections.abc import Mapping
from dataclasses import asdict, fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from uuid import uuid4
from zipfile import BadZipFile

import numpy as np
import orjson

from services.matching.similarity.inverted_index.columns import Columns, Spelled
from services.matching.similarity.inverted_index.field import Facts, Field
from services.matching.similarity.inverted_index.idf import Idf
from services.matching.similarity.inverted_index.matrices import Matrix, compressed
from services.matching.similarity.inverted_index.profile_store import ProfileStore
from services.matching.similarity.inverted_index.segment import FIELDS, Fitted, Segment
from services.matching.similarity.profile import Unreadable
from services.matching.similarity.recipe import Recipe
from services.matching.similarity.scoring.query import QueryReader
from services.matching.similarity.snapshot import LiveSegment, Snapshot
from services.matching.similarity.text.terms import Terms

AN_HOUR = 3600.0
Arrays = Mapping[str, np.ndarray]


@cache
def engine() -> str:
    """Of every file of this engine, code and tables."""
    told = sha256()
    home = Path(__file__).parent
    for path in sorted(home.rglob("*")):
        if path.suffix in (".py", ".tsv", ".txt"):
            told.update(str(path.relative_to(home)).encode() + b"\0" + path.read_bytes())
    return told.hexdigest()


def write(snapshot: Snapshot, file: IO[bytes], note: bytes) -> None:
    """Write what was built, with a note of the caller's. What was applied since is not saved: it must be none."""
    assert not len(snapshot.delta.alive), "only what was just built is saved"
    assert snapshot.base.alive.all(), "only what was just built is saved"
    np.savez(file, allow_pickle=False, **_arrays(snapshot, note))


def save(snapshot: Snapshot, path: Path, note: bytes) -> None:
    """Write it there, whole or not at all."""
    for left in path.parent.glob(f"{path.name}.*"):
        if left.stat().st_mtime < time.time() - AN_HOUR:
            left.unlink(missing_ok=True)
    # Of its own name, for another process may save there too.
    unfinished = path.with_name(f"{path.name}.{uuid4().hex}")
    try:
        with unfinished.open("wb") as file:
            write(snapshot, file, note)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read(saved: Path | IO[bytes], terms: Terms, recipe: Recipe) -> tuple[Snapshot, bytes]:
    """What was saved, and its note. Raises Unreadable; FileNotFoundError where nothing is."""
    try:
        with np.load(saved, allow_pickle=False) as found:
            head = orjson.loads(found["head"].tobytes())
            if head["engine"] != engine() or head["recipe"] != asdict(recipe):
                raise Unreadable("another engine wrote it")
            return _snapshot(found, head, terms, recipe), found["note"].tobytes()
    except FileNotFoundError:
        raise
    except (BadZipFile, EOFError, LookupError, ValueError, NotImplementedError, OSError) as failed:
        raise Unreadable(f"{type(failed).__name__}: {failed}") from failed


def _arrays(snapshot: Snapshot, note: bytes) -> dict[str, np.ndarray]:
    """An index as arrays of any shape, by name."""
    segment, fitted = snapshot.base.segment, snapshot.fitted
    head = {"engine": engine(), "recipe": asdict(snapshot.recipe), "pivots": fitted.pivots}
    head["rarest"] = {code: float(value) for code, value in fitted.idf.rarest.items()}
    columns = segment.columns
    assert columns.related is not None, "only what was just built is saved"
    result = {
        "head": _of_bytes(orjson.dumps(head)),
        "note": _of_bytes(note),
        "keys": _of_bytes(orjson.dumps(columns.keys)),
        "idf": fitted.idf.words,
        "grams": fitted.idf.grams,
        **_of_fields("profiles", segment.profiles),
        **_of_fields("spelled", columns.spelled),
        **_of_matrix("related", columns.related),
    }
    for name, field in segment.fields.items():
        result |= {f"{name} owners": field.owners}
        result |= _of_fields(name, field.facts) | _of_matrix(name, field.rows)
    return result


def _snapshot(found: Arrays, head: Mapping[str, Any], terms: Terms, recipe: Recipe) -> Snapshot:
    places = {key: at for at, key in enumerate(orjson.loads(found["keys"].tobytes()))}
    idf = Idf(recipe, places, found["idf"], head["rarest"], found["grams"])
    fitted = Fitted(idf, {name: tuple(lengths) for name, lengths in head["pivots"].items()})
    spelled = Spelled(**_to_fields("spelled", Spelled, found))
    columns = Columns(places, idf, spelled, _to_matrix("related", found, len(places)))
    several = {name: _field(name, found, len(places)) for name in FIELDS}
    segment = Segment(ProfileStore(**_to_fields("profiles", ProfileStore, found)), columns, several)
    none = LiveSegment.all_of(Segment.of((), terms, fitted))
    return Snapshot(QueryReader(terms, idf), fitted, LiveSegment.all_of(segment), none)


def _field(name: str, found: Arrays, width: int) -> Field:
    facts = Facts(**_to_fields(name, Facts, found))
    return Field(found[f"{name} owners"], facts, _to_matrix(name, found, width))


def _of_bytes(some: bytes) -> np.ndarray:
    """As an array: `(bytes,)`."""
    return np.frombuffer(some, np.uint8)


def _of_matrix(name: str, held: Matrix) -> dict[str, np.ndarray]:
    """Values and columns `(stored,)` and ends `(rows + 1,)` of `(rows, columns)`."""
    return {f"{name} values": held.data, f"{name} columns": held.indices, f"{name} ends": held.indptr}


def _to_matrix(name: str, found: Arrays, width: int) -> Matrix:
    """What `_of_matrix` took apart: `(rows, width)`."""
    return compressed(found[f"{name} values"], found[f"{name} columns"], found[f"{name} ends"], width)


def _of_fields(name: str, one: Any) -> dict[str, np.ndarray]:
    """Every array of a dataclass, of any shape."""
    return {f"{name}.{each.name}": getattr(one, each.name) for each in fields(one) if each.name[0] != "_"}


def _to_fields(name: str, kind: Any, found: Arrays) -> dict[str, Any]:
    return {each.name: found[f"{name}.{each.name}"] for each in fields(kind) if each.name[0] != "_"}
