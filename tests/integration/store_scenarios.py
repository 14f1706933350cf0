"""Sequences of store operations that chance seldom draws."""

from typing import Any, Final

from tests.integration.store_builders import email, enters
from tests.integration.store_operations import Operation


def do(name: str, **values: Any) -> Operation:
    return Operation(name, values)


BEGINNING: Final = [
    Operation("put_ad_account", {"slug": 0}),
    Operation("put_ad_account", {"slug": 1}),
    Operation("connect", {"slug": 0, "interval_s": 3600, "adopts": None}),
    Operation("claim", {"lease_s": 600.0}),
    Operation("merge", {"slug": 0, "changes": [enters("ann", email("a"), email("b"))], "now": 0}),
    Operation("request_sync", {"slug": 0, "mode": "CHANGES"}),
    Operation("connect", {"slug": 1, "interval_s": 3600, "adopts": None}),
]
"""From here a lease is held, and there is something to sync."""


NOTHING_MORE: Final = {"additions": None, "removals": None}
LOG: Final = {"after": 0, "length": 8}
REST_OF_LOG: Final = {"after": 1, "length": 8}

SCENARIOS: Final[dict[str, list[Operation]]] = {
    "a take-over widens a recheck that was planned for later and from further back": [
        do("hold", age=0, recheck=(0, 300), **NOTHING_MORE),
        do("settle_window", age=0, revision=1, rows=2),
        do("take_over", age=0, lease_s=600.0),
        do("reload", age=0),
    ],
    "a take-over moves a recheck that was planned for sooner": [
        do("settle_window", age=0, revision=1, rows=2),
        do("hold", age=0, recheck=(5, 10), additions=-10, removals=300),
        do("take_over", age=0, lease_s=600.0),
        do("reload", age=0),
    ],
    "a lease that ran out goes before what has been due for longer": [
        do("wake", index=2),
        do("take_over", age=0, lease_s=600.0),
        do("claim", lease_s=600.0),
        do("claim", lease_s=600.0),
    ],
    "of two leases the one that ran out first is taken": [
        do("claim", lease_s=-60.0),
        do("renew", age=1, lease_s=0.0),
        do("claim", lease_s=600.0),
        do("claim", lease_s=600.0),
    ],
    "what the record says was due long ago is due now": [
        do("schedule", age=0, minutes=-30, failures=0, last=None),
        do("release", age=0, minutes=None),
    ],
    "who is paused is due when woken": [
        do("pause", index=1, paused=True),
        do("claim", lease_s=600.0),
        do("release", age=1, minutes=None),
        do("claim", lease_s=600.0),
        do("release", age=0, minutes=None),
        do("wake", index=1),
        do("claim", lease_s=600.0),
    ],
    "a wish during the run is used up by a block": [
        do("wake", index=1),
        do("block", age=0, minutes=30),
        do("reload", age=0),
        do("block", age=0, minutes=30),
        do("release", age=0, minutes=None),
        do("put_ad_account", slug=0),
        do("claim", lease_s=600.0),
    ],
    "who is blocked without a time to try again": [
        do("block", age=0, minutes=None),
        do("block", age=0, minutes=None),
        do("release", age=0, minutes=None),
    ],
    "credentials cure a block and bring the sync forward": [
        do("schedule", age=0, minutes=10, failures=1, last=-30),
        do("block", age=0, minutes=30),
        do("put_ad_account", slug=0),
        do("look_at_audiences", index=1, slug=0, after=""),
    ],
    "who asks joins the running sync that covers all, else waits": [
        do("start_sync", age=0, mode="CHANGES", trigger="SCHEDULE", revision=1),
        do("request_sync", slug=0, mode="CHANGES"),
        do("merge", slug=0, changes=[enters("bob", email("b"))], now=1),
        do("request_sync", slug=0, mode="CHANGES"),
        do("request_sync", slug=0, mode="CHANGES"),
        do("request_sync", slug=0, mode="REFRESH"),
        do("look_at_syncs", index=1, sync_no=2),
        do("start_sync", age=0, mode="CHANGES", trigger="SCHEDULE", revision=2),
    ],
    "a sync succeeds, and is forgotten when a newer one is there": [
        do("start_sync", age=0, mode="CHANGES", trigger="SCHEDULE", revision=1),
        do("tell_of_sync", age=0, error=None, rows=2),
        do("tell_of_sync", age=0, error=None, rows=3),
        do("end_sync", age=0, state="SUCCEEDED", error=None, counts=(2, 1, 0, 0), missing=0),
        do("prune", index=1, up_to=0, before=0, minutes=10),
        do("request_sync", slug=0, mode="CHANGES"),
        do("prune", index=1, up_to=0, before=0, minutes=-10),
        do("prune", index=1, up_to=0, before=0, minutes=10),
    ],
    "losses keep a sync from having succeeded": [
        do("start_sync", age=0, mode="CHANGES", trigger="SCHEDULE", revision=1),
        do("settle_sync", age=0, counts=(1, 0, 1, 1), missing=0),
        do("end_sync", age=0, state="SUCCEEDED", error=None, counts=(0, 0, 0, 0), missing=0),
        do("end_sync", age=0, state="SUCCEEDED", error=None, counts=(0, 0, 0, 1), missing=0),
        do(
            "end_sync",
            age=0,
            state="PARTIALLY_SUCCEEDED",
            error=None,
            counts=(1, 1, 0, 0),
            missing=0,
        ),
    ],
    "a recheck ends as far as it was seen": [
        do("hold", age=0, recheck=(3, 10), **NOTHING_MORE),
        do("finish_recheck", age=0, seen=3, new=None),
        do("hold", age=0, recheck=(2, 10), **NOTHING_MORE),
        do("finish_recheck", age=0, seen=3, new=(4, 30)),
        do("reload", age=0),
    ],
    "a window has one chunk at least, and no chunk that does not fit": [
        do("append_rows", kind="REMOVE", rows=[email("a"), email("b")], now=1),
        do("append_rows", kind="ADD", rows=[email("a")], now=1),
        do("append_rows", kind="REMOVE", rows=[email("a"), email("c")], now=1),
        *(do("look_at_log", index=2, **LOG, rows_max=most, emails_max=9) for most in range(6)),
        *(do("look_at_log", index=2, **LOG, rows_max=9, emails_max=most) for most in range(6)),
        *(
            do("look_at_log", index=2, **REST_OF_LOG, rows_max=most, emails_max=9)
            for most in range(6)
        ),
        do("prune", index=2, up_to=2, before=2, minutes=10),
        do("look_at_log", index=2, **LOG, rows_max=5, emails_max=9),
    ],
    "a disconnected id is free again, and the newest of it is found": [
        do("set_custom_audience", age=0, custom_audience_id="11", adopted=True),
        do("connect", slug=1, interval_s=3600, adopts="11"),
        do("finish_disconnect", age=0, forgets=True),
        do("look_at_audiences", index=1, slug=0, after=""),
        do("connect", slug=0, interval_s=3600, adopts="12"),
        do("look_at_audiences", index=1, slug=0, after=""),
        do("set_facts", age=0, minutes=None, bound=1),
        do("release", age=0, minutes=-10),
        *(do("claim", lease_s=600.0) for _ in range(3)),
        do("set_custom_audience", age=0, custom_audience_id="13", adopted=False),
        do("set_custom_audience", age=1, custom_audience_id="13", adopted=False),
    ],
    "two audiences adopt one Custom Audience": [
        do("put_ad_account", slug=2),
        do("connect", slug=2, interval_s=3600, adopts="12"),
        do("finish_disconnect", age=0, forgets=False),
        do("connect", slug=0, interval_s=3600, adopts="12"),
    ],
}
"""By what they show."""
