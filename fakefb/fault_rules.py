"""Owns faults as data: which call a rule is for, when it fires, and what then happens."""

import re
from typing import Annotated, Final, Literal

import orjson
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
    model_validator,
)

from fakefb.graph_errors import GraphError

LATE_MS_MAX: Final = 600_000
"""Longest time, in milliseconds, that an effect may put an answer or a write off."""
Milliseconds = Annotated[int, Field(ge=0, le=LATE_MS_MAX)]
HttpStatus = Annotated[int, Field(ge=200, le=599)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class GraphErrorEffect(_Strict):
    """An error in Meta's envelope."""

    code: int
    subcode: int | None = None
    http_status: HttpStatus = 400
    is_transient: bool | None = None
    message: str = Field(default="A fault of the fake", max_length=1_000)

    def error(self) -> GraphError:
        """Return the refusal."""
        return GraphError(
            self.code,
            self.message,
            subcode=self.subcode,
            http_status=self.http_status,
            is_transient=self.is_transient,
        )


class StatusEffect(_Strict):
    """An HTML page, or an empty body, with a status."""

    status: HttpStatus


class JsonEffect(_Strict):
    """Any JSON with a status."""

    status: HttpStatus
    body: object

    @field_validator("body")
    @classmethod
    def _can_be_written(cls, value: object) -> object:
        try:
            orjson.dumps(value)
        except TypeError as e:
            raise ValueError("nested too deeply to be sent") from e
        return value


class ShortEffect(_Strict):
    """The last rows of the call are neither counted nor applied; one row at least stays."""

    by: int = Field(ge=1, le=10_000)


class SamplesEffect(_Strict):
    """At most `n` samples of invalid rows."""

    n: int = Field(ge=0, le=100)


class InvalidEffect(_Strict):
    """The first `n` good rows are called invalid, with at most so many samples in the answer."""

    n: int = Field(ge=1, le=10_000)
    samples: int = Field(default=100, ge=0, le=100)


HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,100}$")]
HeaderText = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]{0,4000}$")]
_FRAMING: Final = frozenset({"content-length", "transfer-encoding", "connection", "upgrade"})


class Effect(_Strict):
    """Exactly one of these happens."""

    graph_error: GraphErrorEffect | None = None
    html: StatusEffect | None = None
    empty: StatusEffect | None = None
    json_answer: JsonEffect | None = Field(default=None, alias="json")
    delay_ms: Milliseconds | None = None
    reset: Literal["before", "after"] | None = None
    lost_answer: Literal[True] | None = None
    success_false: Literal[True] | None = None
    short_received: ShortEffect | None = None
    invalid_samples_limit: SamplesEffect | None = None
    truncate_body: Literal[True] | None = None
    apply_late_ms: Milliseconds | None = None
    """The write lands, and the answer comes, so much later."""
    reset_apply_late_ms: Milliseconds | None = None
    """A reset at once; the write lands so much later."""
    reorder_ms: Milliseconds | None = None
    """A write waits, so long at most, until a later write to the same audience has been applied."""
    invalid_rows: InvalidEffect | None = None
    headers: dict[HeaderName, HeaderText] | None = Field(default=None, min_length=1, max_length=20)
    """The usual answer with these headers instead of its own."""

    @field_validator("headers")
    @classmethod
    def _frame_stays(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        if value is not None and _FRAMING & {name.lower() for name in value}:
            raise ValueError("headers that frame the answer cannot be replaced")
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> "Effect":
        if [value is None for _, value in self].count(False) != 1:
            raise ValueError("an effect has exactly one kind")
        return self


class Match(_Strict):
    """Which calls a rule is for; what is not given matches every call."""

    method: Literal["GET", "POST", "DELETE"] | None = None
    custom_audience_id: str | None = Field(default=None, max_length=30)
    path: str | None = Field(default=None, max_length=500)
    """Regular expression, searched in the path without version."""
    operation: str | None = None
    """As in the journal: add, remove, create, read, update, delete, list, sessions …"""
    nth: int | None = Field(default=None, ge=1)
    """The first matching call that counts, from 1; `times` is then 1 unless given."""
    times: int | None = Field(default=None, ge=1)
    """How often the rule fires at most."""
    probability: float = Field(default=1.0, ge=0.0, le=1.0)
    until: float | None = None
    """Unix seconds of the fake's clock from which the rule rests."""
    for_s: float | None = Field(default=None, gt=0, le=1_000_000)
    """Real seconds after arming, after which the rule rests; the fake's clock has no say."""

    @field_validator("path")
    @classmethod
    def _compiles(cls, value: str | None) -> str | None:
        try:
            re.compile(value or "")
        except re.error as e:
            raise ValueError(f"no regular expression: {e}") from e
        return value


class FaultRule(_Strict):
    """One named fault."""

    name: str = Field(min_length=1, max_length=100)
    match: Match = Match()
    effect: Effect
