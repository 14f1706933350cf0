"""Turns what the database knows into metrics. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from service.metrics.labels import OTHERS
from service.store.monitoring import AdAccountSample, AudienceSample
from service.store.rows import AudienceState

STATES: Final = tuple(
    state.value for state in AudienceState if state is not AudienceState.DISCONNECTED
)


@dataclass(slots=True)
class _Behind:
    """How far one audience is behind, or all that share a label: the sum of rows, the worst of ages."""

    rows_pending: int = 0
    oldest_unsent_s: float = 0.0
    intervals_behind: float = 0.0

    def add(self, sample: AudienceSample) -> None:
        self.rows_pending += sample.rows_pending
        self.oldest_unsent_s = max(self.oldest_unsent_s, sample.oldest_unsent_s)
        self.intervals_behind = max(self.intervals_behind, sample.intervals_behind)


def database_families(*, is_up: bool) -> Iterator[Metric]:
    """Whether the database answered this scrape."""
    yield GaugeMetricFamily(
        "audience_sync_database_up",
        "1 when the database answered this scrape; else nothing is told of audiences and ad accounts.",
        value=float(is_up),
    )


def audience_families(samples: Sequence[AudienceSample]) -> Iterator[Metric]:
    """Connected audiences: how many are how, and how far behind they are."""
    yield _gauge(
        "audience_sync_audiences",
        "Connected audiences by state.",
        ("state",),
        _summed(((state,), 0) for state in STATES)
        | _summed(((one.state,), one.audience_count) for one in samples),
    )
    yield _gauge(
        "audience_sync_blocked_audiences",
        "Blocked audiences by reason.",
        ("reason",),
        _summed(
            ((one.blocked_reason,), one.audience_count) for one in samples if one.blocked_reason
        ),
    )
    behind: dict[tuple[str, str], _Behind] = defaultdict(_Behind)
    for one in samples:
        behind[one.named or OTHERS, one.state].add(one)
    labels = ("audience_id", "state")
    yield _gauge(
        "audience_sync_pending_rows",
        "Rows that changed and are not settled with Facebook.",
        labels,
        {key: one.rows_pending for key, one in behind.items()},
    )
    yield _gauge(
        "audience_sync_oldest_unsent_seconds",
        "Age of the oldest change that is not settled with Facebook; 0 when all is.",
        labels,
        {key: one.oldest_unsent_s for key, one in behind.items()},
    )
    yield _gauge(
        "audience_sync_intervals_behind",
        "That age in sync intervals of the audience.",
        labels,
        {key: one.intervals_behind for key, one in behind.items()},
    )


def ad_account_families(samples: Sequence[AdAccountSample]) -> Iterator[Metric]:
    """Ad accounts that connected audiences use."""
    labels = ("ad_account_id",)
    named = {(one.named or OTHERS,): one for one in samples}
    yield _gauge(
        "audience_sync_ad_account_usage_percent",
        "How much of its allowance of calls Facebook last said was used; 0 when that is too long ago.",
        labels,
        {key: one.usage_percent for key, one in named.items()},
    )
    yield _gauge(
        "audience_sync_ad_account_throttled_left_seconds",
        "Seconds for which no call may be made yet.",
        labels,
        {key: one.throttled_left_s for key, one in named.items()},
    )
    yield _gauge(
        "audience_sync_ad_account_token_left_seconds",
        "Seconds until the access token ends, below 0 when it has; nothing for one that never does.",
        labels,
        {key: one.token_left_s for key, one in named.items() if one.token_left_s is not None},
    )
    yield _gauge(
        "audience_sync_ad_accounts_blocked",
        "1 for a blocked ad account; of the others how many are.",
        labels,
        {key: one.blocked_count for key, one in named.items()},
    )


def _summed(
    counts: Iterable[tuple[tuple[str, ...], float]],
) -> dict[tuple[str, ...], float]:
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for key, count in counts:
        sums[key] += count
    return sums


def _gauge(
    name: str, text: str, labels: Sequence[str], values: dict[tuple[str, ...], float]
) -> Metric:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values.items():
        family.add_metric(key, value)
    return family
