"""Whose a trouble is that may be one mail's or everybody's."""


class Doubts:
    """It is everybody's once the mails for two domains have had it and none was taken in between."""

    def __init__(self) -> None:
        self._had_it: set[str] = set()
        self._had_it_alone: set[str] = set()

    def everybodys(self, domain: str) -> bool:
        """Notes that a mail for this domain has had the trouble, and says whether it is everybody's by now."""
        self._had_it.add(domain)
        if len(self._had_it) == 1:
            return False
        self._had_it_alone.clear()
        return True

    def only_theirs(self, domain: str) -> bool:
        """Whether mails for others were taken after one for this domain had the trouble."""
        return domain in self._had_it_alone and not self._had_it - {domain}

    def taken(self) -> None:
        self._had_it_alone |= self._had_it
        self._had_it.clear()
