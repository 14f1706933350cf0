"""When the matches of a sync's upload calls are a figure of the sync."""

from service.store.history_rows import UnmatchedSync
from service.sync.match_counts import matched_count

SYNC = UnmatchedSync(sync_no=1, addition_session_ids=[5, 6])


def test_the_matches_of_all_calls_are_added_up() -> None:
    assert matched_count(SYNC, {5: 10, 6: 0, 7: 3}) == 10


def test_there_is_no_figure_before_every_call_is_counted() -> None:
    assert matched_count(SYNC, {5: 10}) is None
    assert matched_count(SYNC, {}) is None
