"""Samples of the database become metrics: the worst of ages, the sum of rows, every state."""

from collections.abc import Iterable, Mapping

from prometheus_client import Metric

from service.metrics.labels import OTHERS
from service.monitor.families import ad_account_families, audience_families, database_families
from service.store.monitoring import AdAccountSample, AudienceSample


def a_sample(named: str | None = "buyers", **other: object) -> AudienceSample:
    values: dict[str, object] = {
        "named": named,
        "state": "ACTIVE",
        "blocked_reason": None,
        "audience_count": 1,
        "rows_pending": 5,
        "oldest_unsent_s": 60.0,
        "intervals_behind": 0.5,
    }
    return AudienceSample(**(values | other))  # type: ignore[arg-type]


def told(families: Iterable[Metric], name: str) -> Mapping[tuple[str, ...], float]:
    (family,) = [one for one in families if one.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_a_state_that_no_audience_has_is_told_as_none() -> None:
    assert told(audience_families([a_sample()]), "audience_sync_audiences") == {
        ("CONNECTING",): 0,
        ("PAUSED",): 0,
        ("BLOCKED",): 0,
        ("ACTIVE",): 1,
    }


def test_others_that_are_blocked_for_several_reasons_are_one_series() -> None:
    samples = [
        a_sample(None, state="BLOCKED", blocked_reason=reason, **values)
        for reason, values in (
            ("TOKEN_INVALID", {"audience_count": 3, "oldest_unsent_s": 9.0}),
            ("AUDIENCE_GONE", {"audience_count": 2, "intervals_behind": 4.0}),
        )
    ]
    families = list(audience_families(samples))
    blocked = {("TOKEN_INVALID",): 3.0, ("AUDIENCE_GONE",): 2.0}
    assert told(families, "audience_sync_blocked_audiences") == blocked
    key = (OTHERS, "BLOCKED")
    assert told(families, "audience_sync_pending_rows") == {key: 10}
    assert told(families, "audience_sync_oldest_unsent_seconds") == {key: 60.0}
    assert told(families, "audience_sync_intervals_behind") == {key: 4.0}


def test_a_token_that_never_ends_has_no_time_left() -> None:
    accounts = [
        AdAccountSample(
            named=named,
            account_count=1,
            blocked_count=0,
            token_left_s=left,
            throttled_left_s=0.0,
            usage_percent=12.5,
        )
        for named, left in (("act_1", None), ("act_2", -3.0), (None, 90.0))
    ]
    families = list(ad_account_families(accounts))
    left_s = told(families, "audience_sync_ad_account_token_left_seconds")
    assert left_s == {("act_2",): -3.0, (OTHERS,): 90.0}
    assert len(told(families, "audience_sync_ad_account_usage_percent")) == 3


def test_the_database_is_up_or_not() -> None:
    for is_up in (True, False):
        (family,) = database_families(is_up=is_up)
        assert [sample.value for sample in family.samples] == [float(is_up)]
