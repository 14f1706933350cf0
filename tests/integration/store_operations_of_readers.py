"""Operations that only look: at audiences, syncs, the log, members and who holds what."""

from hypothesis import strategies as st

from service.identifiers import prefix, strong_identifiers
from service.store import ad_accounts, audiences, change_log, membership, monitoring, syncs
from tests.integration.store_builders import email, key_of, row
from tests.integration.store_operations import (
    COUNT,
    INDEX,
    REVISION,
    SLUGS,
    SYNC_NO,
    Actor,
    operation,
)
from tests.integration.store_operations_of_callers import LENGTH, MEMBER, SLUG


@operation(index=INDEX, slug=SLUG, after=st.sampled_from(["", "b", "buyers"]))
async def look_at_audiences(actor: Actor, index: int, slug: int, after: str) -> object:
    connection = actor.connection
    return [
        await audiences.find_audience(connection, SLUGS[slug]),
        await audiences.find_audience_by_no(connection, actor.number(index)),
        await audiences.list_audiences(connection, ad_account_id=None, after_id=after, limit=2),
        await audiences.list_audiences(
            connection, ad_account_id=f"act_{slug}", after_id="", limit=2
        ),
        await ad_accounts.list_ad_accounts(connection, after_id="act_0", limit=1),
    ]


@operation(often=2, named_max=COUNT)
async def sample_for_operators(actor: Actor, named_max: int) -> object:
    connection = actor.connection
    audience_samples = await monitoring.sample_audiences(connection, named_max=named_max)
    return [
        # What is a moment apart may be in any order.
        sorted(audience_samples, key=lambda one: (one.named or "", one.state, one.rows_pending)),
        await monitoring.sample_ad_accounts(connection, named_max=named_max, usage_fades_s=1e12),
    ]


@operation(often=2, index=INDEX, sync_no=SYNC_NO)
async def look_at_syncs(actor: Actor, index: int, sync_no: int) -> object:
    connection, number = actor.connection, actor.number(index)
    return [
        await syncs.waiting_syncs(connection, number),
        await syncs.find_sync(connection, number, sync_no),
        await syncs.list_syncs(connection, number, before_no=None, limit=2),
        await syncs.list_syncs(connection, number, before_no=sync_no, limit=2),
    ]


@operation(often=3, index=INDEX, after=REVISION, length=LENGTH, rows_max=LENGTH, emails_max=LENGTH)
async def look_at_log(
    actor: Actor, index: int, after: int, length: int, rows_max: int, emails_max: int
) -> object:
    connection, number = actor.connection, actor.number(index)
    bounds = {"after": after, "up_to": after + length}
    most = {"rows_max": rows_max, "bytes_max": emails_max * len(email("a"))}
    return [
        await change_log.read_window(connection, number, **bounds, **most),
        await change_log.read_removals_window(connection, number, **bounds, **most),
        await change_log.count_window(connection, number, **bounds, revisions=[1, 3, 4, 5]),
    ]


@operation(often=2, index=INDEX, members=st.lists(MEMBER, max_size=2, unique=True), limit=COUNT)
async def look_at_members(actor: Actor, index: int, members: list[str], limit: int) -> object:
    connection, number = actor.connection, actor.number(index)
    keys = [key_of(member) for member in members]
    first = await membership.read_member_page(
        connection, number, after_key=None, after_row_no=None, limit=9
    )
    return [
        first,
        [
            await membership.read_member_page(
                connection, number, after_key=held.member_key, after_row_no=held.row_no, limit=limit
            )
            for held in first[:3]
        ],
        sorted(
            (held.member_key, held.row_no, held.packed_row)
            for held in await membership.read_members(connection, number, member_keys=keys)
        ),
    ]


@operation(often=2, index=INDEX)
async def look_for_holders(actor: Actor, index: int) -> object:
    """All prefixes that there are; the order of the rows is nobody's business."""
    connection, number = actor.connection, actor.number(index)
    prefixes = [
        [prefix_of(email("a")), prefix_of(email("b")), 7],
        [prefix_of(row(phone="1"))],
        [prefix_of(row(madid="m"))],
    ]
    found = await membership.find_holders(
        connection,
        number,
        email_prefixes=prefixes[0],
        phone_prefixes=prefixes[1],
        madid_prefixes=prefixes[2],
        per_identifier=20,
    )
    return sorted((one.key, one.prefix, one.member_key, one.packed_row) for one in found)


def prefix_of(packed_row: bytes) -> int:
    """The prefix of a row's one strong identifier."""
    ((_, value),) = strong_identifiers(packed_row)
    return prefix(value)
