"""Every metric that the service tells, with its labels, by telling each once."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from service.metrics import instruments
from service.monitor.families import ad_account_families, audience_families, database_families
from service.monitor.monitor import ProcessMonitor  # noqa: F401 - adds what is told of any process
from service.monitor.process_families import ProcessFamilies
from service.monitor.process_group import ups
from service.monitor.readiness import Readiness
from service.monitor.texts import Collected, merged, text_of
from service.store.monitoring import AdAccountSample, AudienceSample


class Pool:
    """Has the sizes of a pool."""

    def get_size(self) -> int:
        return 2

    def get_idle_size(self) -> int:
        return 1

    def get_max_size(self) -> int:
        return 4


def catalogue() -> Mapping[str, frozenset[str]]:
    """Labels of each sample by its name, as a service of several processes tells them."""
    instruments.count_rpc("GetAudience", "OK", 0.1)
    instruments.count_graph_call("add_users", "OK", 0.1)
    instruments.count_rows("buyers", "add", "accepted", 1)
    instruments.note_longest_turn(0.1)
    pool: Any = Pool()
    process = ProcessFamilies(
        readiness=Readiness(),
        pools={"calls": pool},
        syncs_running=lambda: 1,
        stopped_s=lambda: {"act_1": 1.0},
    )
    of_processes = merged({"0": text_of(process, instruments.REGISTRY)})
    told_once = text_of(
        Collected([*database_families(is_up=True), ups({"0": True}), *of_database()])
    )
    labels: dict[str, set[str]] = defaultdict(set)
    for family in text_string_to_metric_families(of_processes + told_once):
        for sample in family.samples:
            labels[sample.name] |= sample.labels.keys()
    return {name: frozenset(known) for name, known in labels.items()}


def of_database() -> list[Any]:
    audience = AudienceSample(
        named="buyers",
        state="BLOCKED",
        blocked_reason="TOKEN_INVALID",
        audience_count=1,
        rows_pending=1,
        oldest_unsent_s=1.0,
        intervals_behind=1.0,
    )
    account = AdAccountSample(
        named="act_1",
        account_count=1,
        blocked_count=1,
        token_left_s=1.0,
        throttled_left_s=1.0,
        usage_percent=1.0,
    )
    return [*audience_families([audience]), *ad_account_families([account])]
