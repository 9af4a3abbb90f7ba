"""The tree of errors that every service grows from. None of them knows HTTP.

    CiviloopError
    ├── MalformedError            the input can't be read at all (broken JSON, wrong encoding)
    ├── ValidationError           the input can be read and breaks rules; carries a list of ``ValidationFault``
    ├── UnsupportedMediaTypeError
    ├── NotAcceptableError
    ├── TooLargeError
    ├── HeadersTooLargeError
    ├── UnauthorisedError         no key, or one that is unknown, expired or revoked
    ├── ForbiddenError            the key is good and may not do this
    ├── NotFoundError
    ├── ConflictError
    ├── RateLimitedError          carries ``retry_after`` (s)
    └── UnavailableError          carries ``retry_after`` (s) and the dependency that is missing
        ├── DeadlineExceededError
        ├── OverloadedError       refused before anything was done: too much is under way
        └── UnknownOutcomeError   it may have been done or not: retry with the same ids

Each class has a stable ``code``. A message may be shown to the caller: it never carries what a citizen wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class ValidationFault:
    """One thing that is wrong: the dotted path of the field and the reason, never the value."""

    field: str
    reason: str


class CiviloopError(Exception):
    """Root of all errors that we raise on purpose."""

    code: ClassVar[str] = "internal"
    title: ClassVar[str] = "Something went wrong on our side"

    def __init__(self, detail: str = "", *, faults: Iterable[ValidationFault] = ()) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.faults: tuple[ValidationFault, ...] = tuple(faults)


class MalformedError(CiviloopError):
    """The input can't be read at all."""

    code = "malformed"
    title = "The input can't be read"


class ValidationError(CiviloopError):
    """The input can be read and breaks rules, listed in ``faults``."""

    code = "invalid"
    title = "The input breaks a rule"

    @classmethod
    def of(cls, *faults: ValidationFault) -> ValidationError:
        """Make an error of one or more faults."""
        return cls(faults=faults)


class UnsupportedMediaTypeError(CiviloopError):
    """The body is of a media type that this operation doesn't take."""

    code = "unsupported-media-type"
    title = "This media type is not taken here"


class NotAcceptableError(CiviloopError):
    """None of the media types that the caller accepts can be made."""

    code = "not-acceptable"
    title = "No media type that you accept can be given"


class TooLargeError(CiviloopError):
    """The body is larger than this operation takes."""

    code = "too-large"
    title = "The body is too large"


class HeadersTooLargeError(CiviloopError):
    """The address and the headers of the request are larger than any that is taken."""

    code = "headers-too-large"
    title = "The headers are too large"


class UnauthorisedError(CiviloopError):
    """No key was given, or it is unknown, expired or revoked. Which of them is not told."""

    code = "unauthorised"
    title = "A valid key is needed"


class ForbiddenError(CiviloopError):
    """The key is valid and may not do this."""

    code = "forbidden"
    title = "This key may not do that"


class NotFoundError(CiviloopError):
    """There is no such thing, or the caller may not know of it."""

    code = "not-found"
    title = "There is nothing here"


class ConflictError(CiviloopError):
    """The request contradicts what is stored."""

    code = "conflict"
    title = "This contradicts what is stored"


class RateLimitedError(CiviloopError):
    """Too many requests; try again after ``retry_after`` seconds."""

    code = "rate-limited"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after: float = 1.0) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class UnavailableError(CiviloopError):
    """Can't be done now; try again after ``retry_after`` seconds. ``dependency`` names what is missing."""

    code = "unavailable"
    title = "This can't be done right now"

    def __init__(self, detail: str = "", *, retry_after: float = 1.0, dependency: str = "") -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        self.dependency = dependency


class DeadlineExceededError(UnavailableError):
    """It took longer than this operation may take. Whether it was done is unknown: a retry is safe with the same id."""

    code = "deadline-exceeded"
    title = "This took too long"


class OverloadedError(UnavailableError):
    """Refused before anything was done, because too much is under way already."""

    code = "overloaded"
    title = "Too much is under way right now"


class UnknownOutcomeError(UnavailableError):
    """It may have been done or not, and may still be done later. A retry is safe with the same ids."""

    code = "outcome-unknown"
    title = "It is not known whether this was done"
