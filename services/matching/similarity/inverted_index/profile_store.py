"""The profiles of a segment, packed: what is asked of all of them is an array, the rest is read when one is needed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload
from uuid import UUID

import numpy as np
import numpy.typing as npt

from services.matching.similarity.inverted_index.matrices import Floats, Ints, Longs, Mask, Names
from services.matching.similarity.inverted_index.packing import pack, unpack
from services.matching.similarity.profile import Profile

Bytes = npt.NDArray[np.uint8]
NOBODY = UUID(int=0)
MOST_READ = 1_000


@dataclass(frozen=True)
class ProfileStore(Sequence[Profile]):
    """Never changes. Takes half the memory of the profiles themselves, and a start has nothing to read of them.

    What is asked of all of them is `(profiles,)`.
    """

    packed: Bytes  # as JSON, one after another
    ends: Longs  # `(profiles + 1,)`
    ids: Bytes  # `(profiles, 16)`
    parents: Bytes  # `(profiles, 16)`
    kinds: Names
    hubs: Names
    published: Mask
    partnerships: Floats
    _read: dict[int, Profile] = field(default_factory=dict, repr=False)  # those asked for last

    @classmethod
    def of(cls, profiles: Iterable[Profile]) -> "ProfileStore":
        several = list(profiles)
        packed = [pack(one) for one in several]
        return cls(
            np.frombuffer(b"".join(packed), np.uint8),
            np.cumsum([0, *map(len, packed)], dtype=np.int64),
            np.frombuffer(b"".join(one.id.bytes for one in several), np.uint8).reshape(-1, 16),
            np.frombuffer(b"".join((one.parent or NOBODY).bytes for one in several), np.uint8).reshape(-1, 16),
            np.array([one.kind for one in several], np.str_),
            np.array([one.hub or "" for one in several], np.str_),
            np.array([one.published for one in several], np.bool_),
            np.array([one.partnerships for one in several], np.float32),
        )

    def joined(self, newer: "ProfileStore") -> "ProfileStore":
        """These profiles and newer ones after them."""
        return ProfileStore(
            np.concatenate([self.packed, newer.packed]),
            np.concatenate([self.ends, newer.ends[1:] + self.ends[-1]]),
            np.concatenate([self.ids, newer.ids]),
            np.concatenate([self.parents, newer.parents]),
            np.concatenate([self.kinds, newer.kinds]),
            np.concatenate([self.hubs, newer.hubs]),
            np.concatenate([self.published, newer.published]),
            np.concatenate([self.partnerships, newer.partnerships]),
        )

    def __len__(self) -> int:
        return len(self.published)

    @overload
    def __getitem__(self, at: int) -> Profile: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Profile]: ...
    def __getitem__(self, at: int | slice) -> Profile | Sequence[Profile]:
        if isinstance(at, slice):
            return [self[one] for one in range(len(self))[at]]
        found = self._read.get(at)
        if found is None:
            found = self._unpacked(at)
            if len(self._read) > MOST_READ:
                self._read.clear()
            self._read[at] = found
        return found

    def __iter__(self) -> Iterator[Profile]:
        """All of them, without remembering any."""
        return map(self._unpacked, range(len(self)))

    def _unpacked(self, at: int) -> Profile:
        return unpack(self.packed_at(at))

    def packed_at(self, at: int) -> bytes:
        return self.packed[self.ends[at] : self.ends[at + 1]].tobytes()

    def id_of(self, at: int) -> UUID:
        return UUID(bytes=self.ids[at].tobytes())

    def house_of(self, at: int) -> bytes:
        """The id of the organisation at the top: its parent, or itself."""
        parent = bytes(self.parents[at])
        return bytes(self.ids[at]) if parent == NOBODY.bytes else parent

    @cached_property
    def positions(self) -> Mapping[UUID, int]:
        """The last place of every profile; an earlier one is an older version of it."""
        whole = self.ids.tobytes()
        return {UUID(bytes=whole[16 * at : 16 * at + 16]): at for at in range(len(self))}

    @cached_property
    def families(self) -> Mapping[UUID, list[int]]:
        """Positions of units by their parent."""
        found: dict[UUID, list[int]] = {}
        for at in np.flatnonzero(self.parents.any(axis=1)).tolist():
            found.setdefault(UUID(bytes=self.parents[at].tobytes()), []).append(at)
        return found

    @cached_property
    def kinds_known(self) -> tuple[list[str], Ints]:
        """The kinds there are, and the position of each profile's among them: `(profiles,)`."""
        known, position = np.unique(self.kinds, return_inverse=True)
        return [str(kind) for kind in known], position.astype(np.int32)
