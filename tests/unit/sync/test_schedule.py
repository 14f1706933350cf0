import random
from datetime import UTC, datetime, timedelta

import pytest

from service.sync.schedule import backoff_s, next_refresh_after, next_sync_after

NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_after_a_good_sync_the_next_is_an_interval_later() -> None:
    assert next_sync_after(NOW, interval=HOUR, failures_in_a_row=0, chance=random.Random(1)) == (
        NOW + HOUR
    )


@pytest.mark.parametrize(
    ("failures", "most_s"), [(1, 60), (2, 120), (5, 960), (7, 3600), (99, 3600)]
)
def test_after_failures_it_is_sooner_and_never_later_than_an_interval(
    failures: int, most_s: float
) -> None:
    for seed in range(20):
        due = next_sync_after(
            NOW, interval=HOUR, failures_in_a_row=failures, chance=random.Random(seed)
        )
        assert most_s / 2 <= (due - NOW).total_seconds() <= most_s


def test_refreshes_of_audiences_connected_together_are_spread() -> None:
    month = timedelta(days=30)
    due = {next_refresh_after(NOW, interval=month, chance=random.Random(n)) for n in range(50)}
    assert len(due) == 50
    assert all(timedelta(days=27) <= at - NOW <= timedelta(days=33) for at in due)


def test_a_back_off_is_anywhere_below_a_doubling_cap() -> None:
    chance = random.Random(1)
    for attempt, cap in ((1, 1.0), (3, 4.0), (9, 20.0)):
        waits = [backoff_s(attempt, first_s=1, most_s=20, chance=chance) for _ in range(200)]
        assert 0 <= min(waits) < cap / 4
        assert cap * 3 / 4 < max(waits) <= cap
