"""Operations that callers of the service bring about, and housekeeping."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from hypothesis import strategies as st

from service.identifiers import DropReason, Key
from service.store import (
    ad_accounts,
    audiences,
    change_log,
    dropped_counts,
    membership,
    requests,
    syncs,
)
from service.store.ad_account_secrets import SealedSecrets
from service.store.rows import MemberChange, StoredAnswer
from tests.integration.store_builders import (
    a_wish,
    at,
    email,
    enters,
    leaves,
    put_account,
    row,
)
from tests.integration.store_operations import (
    COUNT,
    INDEX,
    MINUTES,
    MODE,
    REVISION,
    SLUGS,
    Actor,
    operation,
)

MEMBERS: Final = ("ann", "bob", "cyd", "dan")
ROWS: Final = (
    email("a"),
    email("b"),
    row(email="a", phone="1"),
    row(email="b", phone="1", fn="x"),
    row(madid="m"),
)
LENGTH: Final = st.sampled_from([8, 5, 4, 3, 2, 1, 0])
MINUTE: Final = st.integers(0, 12)
MEMBER: Final = st.sampled_from(MEMBERS)
SAID: Final = st.none() | MINUTE.map(at)
CHANGE: Final = st.one_of(
    st.builds(lambda member, time: leaves(member, occurred_at=time), MEMBER, SAID),
    st.builds(
        lambda member, rows, time: enters(member, *rows, occurred_at=time),
        MEMBER,
        st.lists(st.sampled_from(ROWS), max_size=3),
        SAID,
    ),
)
CHANGES: Final = st.lists(CHANGE, max_size=4, unique_by=lambda change: change.member_key)
SLUG: Final = st.sampled_from([0, 0, 0, 1, 2])
"""Mostly one audience, so that much happens to it."""


@operation(slug=SLUG)
async def put_ad_account(actor: Actor, slug: int) -> object:
    await put_account(actor.connection, f"act_{slug}")
    return await ad_accounts.find_ad_account(actor.connection, f"act_{slug}")


@operation(slug=SLUG, minutes=st.none() | MINUTES)
async def put_ad_account_with_an_end(actor: Actor, slug: int, minutes: int | None) -> None:
    await put_account(actor.connection, f"act_{slug}", token_expires_at=actor.moment(minutes))


@operation(told_minutes_ago=st.sampled_from([-10, 10]))
async def claim_token_ends(actor: Actor, told_minutes_ago: int) -> object:
    ends = await ad_accounts.claim_token_ends(
        actor.connection,
        now=actor.base,
        ends_before=actor.base + timedelta(minutes=20),
        told_before=actor.base - timedelta(minutes=told_minutes_ago),
    )
    return sorted(ends, key=lambda end: end.ad_account_id)


@operation(reason=st.sampled_from(["TOKEN_INVALID", "SEALING_KEY_MISSING", "POLICY"]))
async def list_with_blocked_audiences(actor: Actor, reason: str) -> object:
    return await ad_accounts.list_with_blocked_audiences(actor.connection, reason)


@operation(slug=SLUG, is_stale=st.booleans())
async def reseal(actor: Actor, *, slug: int, is_stale: bool) -> object:
    account = await ad_accounts.find_ad_account(actor.connection, f"act_{slug}")
    if account is None:
        return None
    if is_stale:
        account = replace(account, sealed_app_secret=b"another")
    anew = SealedSecrets(access_token=b"anew", app_secret=None)
    was_resealed = await ad_accounts.reseal(actor.connection, account, anew)
    return was_resealed, await ad_accounts.find_ad_account(actor.connection, f"act_{slug}")


@operation(
    slug=SLUG,
    interval_s=st.sampled_from([*[3600] * 7, 299]),
    adopts=st.none() | st.sampled_from(["11", "12"]),
)
async def connect(actor: Actor, slug: int, interval_s: int, adopts: str | None) -> object:
    wish = a_wish(
        SLUGS[slug],
        ad_account_id=f"act_{slug}",
        sync_interval_s=interval_s,
        existing_custom_audience_id=adopts,
    )
    audience, created = await audiences.connect_audience(actor.connection, wish)
    if created:
        actor.numbers.append(audience.audience_no)
    return audience, created


@operation(often=4, slug=SLUG, changes=CHANGES, now=MINUTE)
async def merge(actor: Actor, slug: int, changes: Sequence[MemberChange], now: int) -> object:
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    return await membership.merge(
        actor.connection, audience.audience_no, changes, now=at(now), rules_version=1
    )


@operation(often=2, slug=SLUG, first=CHANGES, second=CHANGES, now=MINUTE)
async def merge_twice(
    actor: Actor, slug: int, first: Sequence[MemberChange], second: Sequence[MemberChange], now: int
) -> object:
    return [await merge(actor, slug, first, now), await merge(actor, slug, second, now)]


@operation(often=3, slug=SLUG, changes=CHANGES, parts=st.integers(1, 3), now=MINUTE)
async def merge_of_several(
    actor: Actor, slug: int, changes: Sequence[MemberChange], parts: int, now: int
) -> object:
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    return await membership.merge_together(
        actor.connection,
        audience.audience_no,
        [changes[part::parts] for part in range(parts)],
        now=at(now),
        rules_version=1,
    )


@operation(
    index=INDEX,
    drops=st.lists(
        st.tuples(st.sampled_from([Key.PHONE, Key.MADID]), st.sampled_from(DropReason)), max_size=3
    ),
    minutes=MINUTES,
)
async def count_dropped(
    actor: Actor, index: int, drops: Sequence[tuple[Key, DropReason]], minutes: int
) -> object:
    """On days of their own, so that minutes tell them apart."""
    day = at(0) + timedelta(days=minutes)
    number = actor.number(index)
    await dropped_counts.add_dropped_counts(actor.connection, number, Counter(drops), now=day)
    return None


@operation(index=INDEX, minutes=MINUTES, forgets_all=st.booleans())
async def forget_dropped(actor: Actor, index: int, minutes: int, forgets_all: bool) -> object:  # noqa: FBT001
    number = actor.number(index)
    if forgets_all:
        await dropped_counts.forget_dropped_counts(actor.connection, number)
    else:
        day = at(0) + timedelta(days=minutes)
        await dropped_counts.prune_dropped_counts(actor.connection, number, before=day)
    return None


@operation(often=3, slug=SLUG, mode=MODE)
async def request_sync(actor: Actor, slug: int, mode: str) -> object:
    audience = await audiences.lock_audience(actor.connection, SLUGS[slug])
    if audience is None:
        return None
    return await syncs.request_sync(actor.connection, audience, mode, "REQUEST")


@operation(index=INDEX, name=st.none() | st.just("New"), interval_s=st.sampled_from([None, 600]))
async def update(actor: Actor, index: int, name: str | None, interval_s: int | None) -> None:
    await audiences.update_audience(
        actor.connection,
        actor.number(index),
        name=name,
        description=None,
        sync_interval_s=interval_s,
        default_region=None,
    )


@operation(index=INDEX, paused=st.booleans())
async def pause(actor: Actor, *, index: int, paused: bool) -> None:
    await audiences.set_paused(actor.connection, actor.number(index), paused)


@operation(index=INDEX, mode=st.sampled_from(["FLUSH", "ABANDON", "ABANDON", "NEVER"]))
async def wish_disconnect(actor: Actor, index: int, mode: str) -> None:
    await audiences.request_disconnect(actor.connection, actor.number(index), mode)


@operation(index=INDEX)
async def wake(actor: Actor, index: int) -> None:
    await audiences.wake(actor.connection, actor.number(index))


@operation(slug=SLUG, minutes=MINUTES, blocked=st.booleans())
async def hold_up_account(actor: Actor, *, slug: int, minutes: int, blocked: bool) -> object:
    connection, account = actor.connection, f"act_{slug}"
    await ad_accounts.throttle_ad_account(connection, account, actor.some_moment(minutes))
    if blocked:
        probe_at = actor.moment(minutes)
        await ad_accounts.block_ad_account(connection, account, "TOKEN_INVALID", probe_at=probe_at)
        await ad_accounts.block_audiences(
            connection, account, reason="POLICY", message="", probe_at=actor.some_moment(minutes)
        )
    else:
        claimed = await ad_accounts.claim_probe(
            connection, account, next_probe_at=actor.some_moment(minutes)
        )
        if not claimed and await ad_accounts.unblock_ad_account(connection, account):
            await ad_accounts.probe_audiences(connection, account, reasons=["POLICY"])
    seen = await ad_accounts.find_ad_account(connection, account)
    if seen is not None:
        assert await ad_accounts.lock_as_seen(connection, account, seen_at=seen.updated_at)
        assert not await ad_accounts.lock_as_seen(connection, account, seen_at=at(0))
    return await ad_accounts.read_throttled_until(connection, account)


@operation(
    kind=st.sampled_from(["ADD", "REMOVE"]),
    rows=st.lists(st.sampled_from(ROWS), min_size=1, max_size=3),
    now=MINUTE,
)
async def append_rows(actor: Actor, kind: str, rows: list[bytes], now: int) -> object:
    return await change_log.append_rows(
        actor.connection, actor.numbers[-1], kind, rows, now=at(now), rules_version=2
    )


@operation(back=COUNT, now=MINUTE)
async def shift_log(actor: Actor, back: int, now: int) -> object:
    """Move what was logged last to the end, then say it all in one chunk."""
    connection, number = actor.connection, actor.numbers[-1]
    chunks = await change_log.read_window(connection, number, after=0, up_to=99, rows_max=99)
    if not chunks:
        return None
    moved = await change_log.move_to_end(connection, number, chunks[-back:], now=at(now))
    chunks = await change_log.read_window(connection, number, after=0, up_to=99, rows_max=99)
    shorter = [("REMOVE", [b"\x00\x01"])]
    replaced = await change_log.replace_chunks(
        connection, number, after=0, chunks=chunks[: 1 + back], shorter=shorter, now=at(now)
    )
    return moved, replaced


@operation(
    index=INDEX, request_id=st.sampled_from(["1", "2"]), digest=st.sampled_from([b"x", b"y"])
)
async def keep_answer(actor: Actor, index: int, request_id: str, digest: bytes) -> object:
    connection, number = actor.connection, actor.number(index)
    await requests.keep_answer(connection, number, "M", request_id, digest, b"answer", at(5))
    return await requests.find_answer(connection, number, "M", request_id)


@operation(
    index=INDEX,
    request_ids=st.lists(st.sampled_from(["1", "2", "3"]), max_size=3, unique=True),
    digest=st.sampled_from([b"x", b"y"]),
)
async def keep_answers(actor: Actor, index: int, request_ids: list[str], digest: bytes) -> object:
    connection, number = actor.connection, actor.number(index)
    answers = {name: StoredAnswer(digest, name.encode()) for name in request_ids}
    await requests.keep_answers(connection, number, "M", answers, at(5))
    return await requests.find_answers(connection, number, "M", ["1", "2", "4"])


@operation(index=INDEX, up_to=REVISION, before=MINUTE, minutes=MINUTES)
async def prune(actor: Actor, index: int, up_to: int, before: int, minutes: int) -> object:
    connection, number = actor.connection, actor.number(index)
    return [
        await change_log.prune_log(
            connection, number, additions_up_to=up_to, removals_before=at(before)
        ),
        await change_log.prune_tombstones(connection, number, at(before), limit=100),
        await syncs.prune_syncs(connection, number, actor.some_moment(minutes), limit=3),
        await requests.prune_requests(connection, number, at(before), limit=3),
    ]
