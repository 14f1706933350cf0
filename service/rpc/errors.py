"""The one family of errors that callers see; a class for every ErrorReason of the contract."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final


class Kind(enum.Enum):
    """What an error means for the caller; decides the gRPC code."""

    INVALID = enum.auto()
    """The request will never pass as it is."""
    NOT_FOUND = enum.auto()
    CONFLICT = enum.auto()
    """What is asked for exists already, and is different."""
    PRECONDITION = enum.auto()
    """Something else has to be cured first."""
    EXHAUSTED = enum.auto()
    """This server has no room for the request now."""
    UNKNOWN_CALLER = enum.auto()
    """Who calls has not said who they are, or is not known."""
    NOT_ALLOWED = enum.auto()
    """Who calls may not do this."""
    BROKEN_OFF = enum.auto()
    """What was begun has to be begun again."""
    UNAVAILABLE = enum.auto()
    """Trying again makes sense."""
    INTERNAL = enum.auto()


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field that breaks its rules: its path (`changes[17].member.member_id`) and why."""

    field: str
    description: str


DATABASE_RETRY_S: Final = 1.0
"""Seconds that callers are asked to wait when the database cannot be reached."""


class ServiceError(Exception):
    """An error with a reason of the contract. Its message, for a person, is the class's first line.

    `reason` is the name in ErrorReason without its prefix; `metadata` holds nothing personal and no
    secret; `retry_after_s` is in seconds; `why` is told to the log only.
    """

    reason: ClassVar[str]
    kind: ClassVar[Kind]

    def __init__(
        self,
        message: str = "",
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[FieldViolation] = (),
        retry_after_s: float | None = None,
        why: str = "",
    ) -> None:
        self.message = message or (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(self.message)
        self.metadata = dict(metadata or {})
        self.violations = tuple(violations)
        self.retry_after_s = retry_after_s
        self.why = why


class InvalidField(ServiceError):
    """A field breaks its rules."""

    reason = "INVALID_FIELD"
    kind = Kind.INVALID

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidField":
        """Make the error of one field."""
        return cls(violations=(FieldViolation(field, description),))


class MalformedMessage(ServiceError):
    """The bytes are not a message of this method."""

    reason = "MALFORMED_MESSAGE"
    kind = Kind.INVALID


class PageTokenInvalid(ServiceError):
    """The page token is not one that this list gave out with these filters."""

    reason = "PAGE_TOKEN_INVALID"
    kind = Kind.INVALID


class AudienceNotFound(ServiceError):
    """No audience has this id."""

    reason = "AUDIENCE_NOT_FOUND"
    kind = Kind.NOT_FOUND


class AdAccountNotConnected(ServiceError):
    """The ad account is not connected; ConnectAdAccount comes first."""

    reason = "AD_ACCOUNT_NOT_CONNECTED"
    kind = Kind.NOT_FOUND


class SyncNotFound(ServiceError):
    """No sync has this id."""

    reason = "SYNC_NOT_FOUND"
    kind = Kind.NOT_FOUND


class AudienceAlreadyConnected(ServiceError):
    """The audience is connected with other values."""

    reason = "AUDIENCE_ALREADY_CONNECTED"
    kind = Kind.CONFLICT


class CustomAudienceTaken(ServiceError):
    """Another audience keeps this Custom Audience."""

    reason = "CUSTOM_AUDIENCE_IN_USE"
    kind = Kind.CONFLICT


class RequestIdReused(ServiceError):
    """The request_id was used for another request."""

    reason = "REQUEST_ID_REUSED"
    kind = Kind.CONFLICT


class AudienceDisconnected(ServiceError):
    """The audience is disconnected or being disconnected."""

    reason = "AUDIENCE_DISCONNECTED"
    kind = Kind.PRECONDITION


class AudienceNotActive(ServiceError):
    """The audience is not ACTIVE."""

    reason = "AUDIENCE_NOT_ACTIVE"
    kind = Kind.PRECONDITION


class TokenInvalid(ServiceError):
    """Facebook does not accept the token."""

    reason = "TOKEN_INVALID"
    kind = Kind.PRECONDITION


class TokenExpired(ServiceError):
    """The token has expired."""

    reason = "TOKEN_EXPIRED"
    kind = Kind.PRECONDITION


class ScopeMissing(ServiceError):
    """The token lacks a permission."""

    reason = "SCOPE_MISSING"
    kind = Kind.PRECONDITION


class AdAccountNotVisible(ServiceError):
    """The token cannot see the ad account."""

    reason = "AD_ACCOUNT_NOT_VISIBLE"
    kind = Kind.PRECONDITION


class TermsNotAccepted(ServiceError):
    """The Custom Audience terms are not accepted; a person of the business has to accept them."""

    reason = "TERMS_NOT_ACCEPTED"
    kind = Kind.PRECONDITION


class AdAccountInactive(ServiceError):
    """The ad account is disabled or closed."""

    reason = "AD_ACCOUNT_INACTIVE"
    kind = Kind.PRECONDITION


class FacebookRefused(ServiceError):
    """Facebook refuses the request."""

    reason = "FACEBOOK_REFUSED"
    kind = Kind.PRECONDITION


class FacebookUnavailable(ServiceError):
    """Facebook did not answer as it should; try again."""

    reason = "FACEBOOK_UNAVAILABLE"
    kind = Kind.UNAVAILABLE


class FacebookThrottled(ServiceError):
    """Facebook's rate limit is reached; try again later."""

    reason = "FACEBOOK_THROTTLED"
    kind = Kind.UNAVAILABLE


class DatabaseUnavailable(ServiceError):
    """The database cannot be reached; try again."""

    reason = "DATABASE_UNAVAILABLE"
    kind = Kind.UNAVAILABLE


class Overloaded(ServiceError):
    """Too many messages are in work; try again."""

    reason = "OVERLOADED"
    kind = Kind.EXHAUSTED


class ImportOffsetWrong(ServiceError):
    """The chunk is not the one that comes next."""

    reason = "IMPORT_OFFSET_WRONG"
    kind = Kind.PRECONDITION


class ImportIdReused(ServiceError):
    """The import_id was used for another import."""

    reason = "IMPORT_ID_REUSED"
    kind = Kind.CONFLICT


class ReplaceUnderWay(ServiceError):
    """Another import that replaces the audience's membership is under way."""

    reason = "REPLACE_UNDER_WAY"
    kind = Kind.PRECONDITION


class ImportEmpty(ServiceError):
    """The list has no member; allow_empty says that this is meant."""

    reason = "IMPORT_EMPTY"
    kind = Kind.PRECONDITION


class InternalError(ServiceError):
    """A defect; error_id finds it in the log."""

    reason = "INTERNAL"
    kind = Kind.INTERNAL


class CallerUnknown(ServiceError):
    """The call needs a bearer token that is known here."""

    reason = "CALLER_UNKNOWN"
    kind = Kind.UNKNOWN_CALLER


class CallerNotAllowed(ServiceError):
    """The token does not allow this."""

    reason = "CALLER_NOT_ALLOWED"
    kind = Kind.NOT_ALLOWED


class CallerOverLimit(ServiceError):
    """You make too many calls; try again later."""

    reason = "CALLER_OVER_LIMIT"
    kind = Kind.EXHAUSTED


class StreamIdle(ServiceError):
    """The stream brought nothing for too long."""

    reason = "STREAM_IDLE"
    kind = Kind.BROKEN_OFF
