"""What is read of this process at the scrape: pools, syncs, stops of ad accounts."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from service.metrics.labels import BoundedLabels
from service.monitor.readiness import Readiness
from service.store.connection import Pool

AD_ACCOUNTS_OWN_MAX: Final = 100
"""Ad accounts whose stops a process tells apart: those that it worked for first."""
VERSION: Final = version("audience-sync")


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFamilies:
    """What one process knows of itself. `stopped_s`: seconds stopped so far, by ad account."""

    readiness: Readiness
    pools: Mapping[str, Pool]
    syncs_running: Callable[[], int]
    stopped_s: Callable[[], Mapping[str, float]]
    _accounts: BoundedLabels = field(
        default_factory=lambda: BoundedLabels(AD_ACCOUNTS_OWN_MAX), init=False
    )

    def collect(self) -> Iterator[Metric]:
        """For a Prometheus registry, or as one."""
        yield from about_process(self.readiness)
        yield from self._pools()
        yield GaugeMetricFamily(
            "audience_sync_syncs_running",
            "Audiences that this process syncs now.",
            value=self.syncs_running(),
        )
        yield self._stops()

    def _pools(self) -> Iterator[Metric]:
        connections = GaugeMetricFamily(
            "audience_sync_pool_connections",
            "Connections to Postgres of each pool.",
            labels=("pool", "state"),
        )
        most = GaugeMetricFamily(
            "audience_sync_pool_connections_max",
            "Connections to Postgres that each pool may have.",
            labels=("pool",),
        )
        for name, pool in self.pools.items():
            idle = pool.get_idle_size()
            connections.add_metric((name, "idle"), idle)
            connections.add_metric((name, "in_use"), pool.get_size() - idle)
            most.add_metric((name,), pool.get_max_size())
        yield connections
        yield most

    def _stops(self) -> Metric:
        family = CounterMetricFamily(
            "audience_sync_ad_account_stopped_seconds",
            "Seconds for which an ad account was stopped for its limit, as far as this process knew.",
            labels=("ad_account_id",),
        )
        sums: dict[str, float] = defaultdict(float)
        for ad_account_id, seconds in self.stopped_s().items():
            sums[self._accounts.of(ad_account_id)] += seconds
        for label, seconds in sums.items():
            family.add_metric((label,), seconds)
        return family


def about_process(readiness: Readiness) -> Iterator[Metric]:
    """What every process tells of itself."""
    yield GaugeMetricFamily(
        "audience_sync_ready",
        "1 while /readyz says that calls may be sent here.",
        value=float(not readiness.problems()),
    )
    family = GaugeMetricFamily(
        "audience_sync_build", "The version that runs; always 1.", labels=("version",)
    )
    family.add_metric((VERSION,), 1.0)
    yield family
