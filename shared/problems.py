"""Problems: every refusal of every service, in the words of RFC 9457. `shared.http.rendering` answers them."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class NextStep(BaseModel):
    """What the caller can do now: `href` where, `by` until when."""

    action: str
    label: str
    href: str | None = None
    by: str | None = None


class FieldError(BaseModel):
    """One thing wrong. `pointer` is an RFC 6901 pointer into the body, or `?name`, `{name}`, `header:name`."""

    pointer: str
    detail: str


class ProblemBody(BaseModel):
    """The wire form of a problem; named extras stand beside these fields."""

    model_config = ConfigDict(extra="allow", title="Problem")

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = None
    next_steps: list[NextStep] | None = None


class Problem(Exception):
    """A refusal. Subclasses stand beside the rule they guard and give `status`, `slug` and `title`."""

    status: ClassVar[int] = 500
    slug: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"
    # Whether what was written before it stays: most refusals undo it.
    keeps: ClassVar[bool] = False

    def __init__(
        self,
        detail: str | None = None,
        *,
        next_steps: Sequence[NextStep] = (),
        headers: Mapping[str, str] | None = None,
        **extras: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.next_steps = tuple(next_steps)
        self.headers = dict(headers or {})
        self.extras = extras

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "type": f"/problems/{self.slug}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extras,
        }
        if self.next_steps:
            body["next_steps"] = [step.model_dump(exclude_none=True) for step in self.next_steps]
        return body


class MalformedBody(Problem):
    status, slug, title = 400, "malformed-body", "The body is not JSON"


class NotAuthenticated(Problem):
    status, slug, title = 401, "not-authenticated", "Say who you are"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"WWW-Authenticate": "Bearer"})


class NotAllowed(Problem):
    status, slug, title = 403, "not-allowed", "You may see this, but not do this"


class NotFound(Problem):
    status, slug, title = 404, "not-found", "There is nothing here that you may see"


class MethodNotAllowed(Problem):
    status, slug, title = 405, "method-not-allowed", "This address does not take that method"


class WrongStatus(Problem):
    status, slug, title = 409, "wrong-status", "It stands where this cannot be done"


class LinkExpired(Problem):
    status, slug, title = 410, "link-expired", "This link is no longer valid"


class StaleVersion(Problem):
    status, slug, title = 412, "stale-version", "It was changed since you read it"


def require_version(current: int, read: Sequence[int] | None) -> None:
    """Raises StaleVersion unless the current version is among those the caller has read; None means any."""
    if read is not None and current not in read:
        raise StaleVersion(f"It is at version {current} now. Read it again and send your change anew.")


class BodyTooLarge(Problem):
    status, slug, title = 413, "body-too-large", "The body is larger than this address takes"


class Invalid(Problem):
    """Input that breaks a rule of a field."""

    status, slug, title = 422, "invalid", "Some fields need another value"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(
            "; ".join(f"{error.pointer}: {error.detail}" for error in errors[:3]),
            errors=[error.model_dump() for error in errors],
        )

    @classmethod
    def field(cls, pointer: str, detail: str) -> "Invalid":
        return cls(FieldError(pointer=pointer, detail=detail))


class TooManyRequests(Problem):
    status, slug, title = 429, "too-many-requests", "Too many requests"


class Unavailable(Problem):
    status, slug, title = 503, "unavailable", "The service cannot answer just now; try again shortly"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, headers={"Retry-After": "1"})


class StorageFull(Problem):
    """Nothing was written down; it is for the operators to make room."""

    status, slug, title = 507, "storage-full", "There is no room left to write this down"

    def __init__(self) -> None:
        step = NextStep(
            action="retry_later", label="Send the same again in some minutes, with the same Idempotency-Key"
        )
        super().__init__(next_steps=[step], headers={"Retry-After": "60"})
