"""Owns the switches of the fake that the admin port can turn."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fakefb.matching import Matching
from fakefb.membership import Removal


class Settings(BaseModel):
    """Behaviour where Meta leaves room, or where sources disagree."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    matching: Matching = Matching.ANY_STRONG
    removal: Removal = Removal.PERSON
    latency_ms: int = Field(default=0, ge=0, le=60_000)
    """Milliseconds that the answer of a `/users` call is held back (the work is done at once)."""
    removal_floor: Literal[0, 100] = 0
    over_limit: Literal["105", "1_99", "html"] = "105"
    invalid_hashes: Literal["strict", "lenient"] = "strict"
    new_audience_lag_calls: int = Field(default=0, ge=0, le=1_000)
    """First calls of `/users` on a new audience that are answered with 803."""
    count_floor: int = Field(default=1_000, ge=0, le=1_000_000)
    """Smallest bound of the approximate counts, in people."""
    num_received: Literal["call", "session"] = "call"
    """Whether an answer counts the rows of the call or of its session so far."""
