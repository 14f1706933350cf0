"""Owns faults as data: which call a rule is for, when it fires, and what then happens."""

import re
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from fakefb.graph_errors import GraphError

Milliseconds = Annotated[int, Field(ge=0, le=600_000)]
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

    @model_validator(mode="after")
    def _exactly_one(self) -> "Effect":
        if [value is None for _, value in self].count(False) != 1:
            raise ValueError("an effect has exactly one kind")
        return self


class Match(_Strict):
    """Which calls a rule is for; what is not given matches every call."""

    method: Literal["GET", "POST", "DELETE"] | None = None
    path: str | None = Field(default=None, max_length=500)
    """Regular expression, searched in the path without version."""
    operation: str | None = None
    """As in the journal: add, remove, create, read, update, delete, list, sessions …"""
    nth: int | None = Field(default=None, ge=1)
    """The first matching call that counts, from 1; `times` is then 1 unless given."""
    times: int | None = Field(default=None, ge=1)
    """How often the rule fires at most."""
    probability: float = Field(default=1.0, ge=0.0, le=1.0)

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
