"""The pace of ad accounts that replicas share: one row an account, exchanged whole by its version."""

from dataclasses import dataclass
from typing import Final

from service.store.connection import Connection
from service.store.queries import Query


@dataclass(frozen=True, slots=True)
class PostedPace:
    """What stands. `posted_allowance` is None when nothing was ever posted.

    `stopped_until` is 0 when the account was never stopped. `holders`, `wanted`, `places` and `seen_at`
    have one entry a replica. Times are seconds since 1970 by the database's clock.
    """

    posted_version: int
    posted_allowance: float | None
    usage_percent: float
    usage_at: float
    usual_s: float | None
    cut_at: float
    holders: list[str]
    wanted: list[int]
    places: list[int]
    seen_at: list[float]
    stopped_until: float
    read_at: float


@dataclass(frozen=True, slots=True)
class Swapped:
    """A pace was put in; the end of the account's last pause, and when that was read."""

    stopped_until: float
    read_at: float


READ_ACCOUNT_PACE: Final = Query(
    "read_account_pace", takes={"ad_account_id": str}, returns=PostedPace
)
SWAP_ACCOUNT_PACE: Final = Query(
    "swap_account_pace",
    takes={
        "ad_account_id": str,
        "version": int,
        "allowance": float,
        "usage_percent": float,
        "usage_at": float,
        "usual_s": float | None,
        "cut_at": float,
        "holders": list[str],
        "wanted": list[int],
        "places": list[int],
        "seen_at": list[float],
    },
    returns=Swapped,
)


async def read_account_pace(connection: Connection, ad_account_id: str) -> PostedPace | None:
    """Return what stands for an account, None if the account was never connected."""
    return await READ_ACCOUNT_PACE.one(connection, ad_account_id=ad_account_id)


async def swap_account_pace(
    connection: Connection,
    ad_account_id: str,
    *,
    version: int,
    allowance: float,
    usage_percent: float,
    usage_at: float,
    usual_s: float | None,
    cut_at: float,
    holders: list[str],
    wanted: list[int],
    places: list[int],
    seen_at: list[float],
) -> Swapped | None:
    """Put a pace in the place of `version`; None when that stands no more."""
    return await SWAP_ACCOUNT_PACE.one(
        connection,
        ad_account_id=ad_account_id,
        version=version,
        allowance=allowance,
        usage_percent=usage_percent,
        usage_at=usage_at,
        usual_s=usual_s,
        cut_at=cut_at,
        holders=holders,
        wanted=wanted,
        places=places,
        seen_at=seen_at,
    )
