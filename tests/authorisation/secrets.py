"""What is planted in the worlds, and who may read it: the contents of every answer, whatever its status."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from shared.access.links import Link, Purpose
from shared.problems import LinkExpired, NotFound
from tests.authorisation.callers import Caller
from tests.support.callers import links

_KEY = re.compile(r"(?<![\w-])[\w-]{52}(?![\w-])")


@dataclass(frozen=True, slots=True)
class Planted:
    """Secrets, and the callers who may read each. `mailing` may be answered keys: what they open was mailed to them."""

    readers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    mailing: frozenset[str] = frozenset()

    def read_by(self, name: str, caller: Caller, address: str, answer: str) -> list[str]:
        """What the answer told this caller and should not have; what it asked by, it knew."""
        told = [secret for secret in self.readers if secret in answer and secret not in address]
        words = [secret for secret in told if name not in self.readers[secret]]
        return words + [str(link) for link in self._keys(name, caller, answer)]

    def _keys(self, name: str, caller: Caller, answer: str) -> Iterable[Link]:
        own = _opened_by(caller.key) if caller.key else None
        for key in set(_KEY.findall(answer)):
            link = _opened_by(key)
            if link is not None and link.purpose is not Purpose.SIGN_UP and link != own and name not in self.mailing:
                yield link


def _opened_by(key: str) -> Link | None:
    try:
        return links.read(key)
    except (NotFound, LinkExpired):
        return None


def only(*callers: str | Iterable[str]) -> frozenset[str]:
    return frozenset(name for each in callers for name in ([each] if isinstance(each, str) else each))
