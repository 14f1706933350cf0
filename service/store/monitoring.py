"""What an operator is to know of audiences and ad accounts, as the database knows it."""

from dataclasses import dataclass
from typing import Final

from service.store.connection import Connection
from service.store.queries import Query


@dataclass(frozen=True, slots=True, kw_only=True)
class AudienceSample:
    """One audience, or (`named` None) all others in that state and blocked for that reason.

    Units: `oldest_unsent_s` the age in seconds of the oldest change that is not settled, 0 when all is;
    `intervals_behind` that age in intervals of the audience. Of several audiences the worst; the rows
    pending are their sum.
    """

    named: str | None
    state: str
    blocked_reason: str | None
    audience_count: int
    rows_pending: int
    oldest_unsent_s: float
    intervals_behind: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AdAccountSample:
    """One ad account, or (`named` None) all others.

    Units: seconds. `token_left_s` is below 0 when the token has ended, None when none ends. Of several
    accounts the worst.
    """

    named: str | None
    account_count: int
    blocked_count: int
    token_left_s: float | None
    throttled_left_s: float
    usage_percent: float


SAMPLE_AUDIENCES: Final = Query(
    "sample_audiences", takes={"named_max": int}, returns=AudienceSample
)
SAMPLE_AD_ACCOUNTS: Final = Query(
    "sample_ad_accounts",
    takes={"named_max": int, "usage_fades_s": float},
    returns=AdAccountSample,
)


async def sample_audiences(connection: Connection, *, named_max: int) -> list[AudienceSample]:
    """Connected audiences: those furthest behind by their names, at most `named_max`."""
    return await SAMPLE_AUDIENCES.many(connection, named_max=named_max)


async def sample_ad_accounts(
    connection: Connection, *, named_max: int, usage_fades_s: float
) -> list[AdAccountSample]:
    """Ad accounts with connected audiences: the oldest by their names, at most `named_max`."""
    return await SAMPLE_AD_ACCOUNTS.many(
        connection, named_max=named_max, usage_fades_s=usage_fades_s
    )
