"""Owns the switches of the fake that the admin port can turn."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from fakefb.matching import Matching
from fakefb.membership import Removal
from fakefb.paging import EmptyPages


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
    count_delay_minutes: int = Field(default=0, ge=0, le=1_440)
    """Minutes of the fake's clock until a change shows in the approximate counts."""
    replace_people_max: int = Field(default=100_000_000, ge=1, le=100_000_000)
    """People from which on an audience is too large to be replaced."""
    empty_pages: EmptyPages = EmptyPages.NONE
    """Where lists have a page without items that has a next one all the same."""
    page_values_max: int = Field(default=0, ge=0, le=1_000_000)
    """Rows times fields of a page from which on it is refused as too much data; 0 = never."""
    account_score: Literal["account_calls", "all_calls"] = "account_calls"
    """Which calls cost points: those of the ad account node and its terms, or audience calls too."""
    app_calls_per_hour: int = Field(default=1_000_000, ge=0, le=10_000_000)
    """Calls an hour of each app."""
