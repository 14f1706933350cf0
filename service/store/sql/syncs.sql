-- name: read_syncs :many
-- Syncs of an audience by their numbers, newest first.
select
    s.audience_no, a.audience_id, s.sync_no, s.trigger, s.mode, s.state, s.target_revision,
    s.rows_to_add, s.rows_to_remove, s.rows_added, s.rows_removed, s.rows_invalid,
    s.rows_carried_over, s.rows_unknown, s.calls, s.open_rows_to_add, s.open_rows_to_remove,
    s.open_rows_added, s.open_rows_removed, s.requested_at, s.started_at, s.ended_at, s.error_reason,
    s.error_code, s.error_subcode, s.error_message, s.error_trace_id,
    s.throttled_ms + milliseconds_since(s.throttled_since) as throttled_ms,
    s.addition_session_ids, s.removal_session_ids, s.matched_count
from sync s join audience a using (audience_no)
where s.audience_no = :audience_no and s.sync_no = any (:sync_nos::bigint[])
order by s.sync_no desc;

-- name: list_sync_numbers :many
-- Newest first.
select sync_no from sync
where audience_no = :audience_no and sync_no < :before_no
order by sync_no desc
limit :row_limit;

-- name: list_waiting_sync_numbers :many
select sync_no from sync where audience_no = :audience_no and state = 'PENDING'
union all
select sync_no from sync where audience_no = :audience_no and state = 'RUNNING';

-- name: find_sync_to_join :one
-- A running sync that covers the present revision, else the waiting one.
select sync_no from sync
where audience_no = :audience_no and mode = :mode
    and (state = 'PENDING' or state = 'RUNNING' and target_revision >= :revision)
order by (state = 'RUNNING') desc
limit 1;

-- name: insert_sync :value
-- The caller holds the audience's lock, so no two syncs get the same number.
insert into sync (
    audience_no, sync_no, trigger, mode, state, target_revision, requested_at, started_at
)
select
    :audience_no, coalesce(max(sync_no), 0) + 1, :trigger, :mode, :state, :target_revision, now(),
    case when :state = 'RUNNING' then now() end
from sync where audience_no = :audience_no
returning sync_no;

-- name: go_on_with_sync :one
-- The sync that was left running, else the waiting one, which gets its end now.
with this as materialized (select now() as moment)
update sync set
    state = 'RUNNING',
    started_at = coalesce(started_at, this.moment),
    target_revision = case when state = 'PENDING' then :target_revision else target_revision end,
    throttled_ms = throttled_ms + coalesce(
        greatest(0, floor(extract(epoch from this.moment - throttled_since) * 1000)), 0
    )::bigint,
    throttled_since = null,
    open_rows_to_add = 0, open_rows_to_remove = 0, open_rows_added = 0, open_rows_removed = 0,
    error_reason = null, error_code = null, error_subcode = null, error_message = null,
    error_trace_id = null
from this
where audience_no = :audience_no and sync_no = (
    select sync_no from sync
    where audience_no = :audience_no and mode = :mode and state in ('PENDING', 'RUNNING')
    order by (state = 'RUNNING') desc
    limit 1
)
returning sync_no;

-- name: progress_sync :exec
with held as (
    select 1 as is_held from audience_work
    where audience_no = :audience_no and lease_token = :lease_token
    for no key update
), written as (
    update sync set
        open_rows_to_add = :open_rows_to_add,
        open_rows_to_remove = :open_rows_to_remove,
        open_rows_added = :open_rows_added,
        open_rows_removed = :open_rows_removed,
        calls = calls + :calls_delta,
        throttled_ms = throttled_ms + :throttled_ms_delta,
        addition_session_ids = array(
            select id from unnest(addition_session_ids || :addition_session_ids::bigint[])
                with ordinality as session (id, place)
            order by place
            offset greatest(0, cardinality(addition_session_ids || :addition_session_ids::bigint[])
                - :sessions_max)
        ),
        removal_session_ids = array(
            select id from unnest(removal_session_ids || :removal_session_ids::bigint[])
                with ordinality as session (id, place)
            order by place
            offset greatest(0, cardinality(removal_session_ids || :removal_session_ids::bigint[])
                - :sessions_max)
        )
    from held
    where audience_no = :audience_no and sync_no = :sync_no and state = 'RUNNING'
    returning audience_no
)
select pg_notify('audience_changed', audience_no::text) from written;

-- name: settle_sync_window :exec
with held as (
    select 1 as is_held from audience_work
    where audience_no = :audience_no and lease_token = :lease_token
    for no key update
), written as (
    update sync set
        rows_to_add = rows_to_add + :rows_to_add,
        rows_to_remove = rows_to_remove + :rows_to_remove,
        rows_added = rows_added + :rows_added,
        rows_removed = rows_removed + :rows_removed,
        rows_invalid = rows_invalid + :rows_invalid,
        rows_carried_over = rows_carried_over + :rows_carried_over,
        calls = calls + :calls_delta,
        open_rows_to_add = 0, open_rows_to_remove = 0, open_rows_added = 0, open_rows_removed = 0,
        error_reason = null, error_code = null, error_subcode = null, error_message = null,
        error_trace_id = null
    from held
    where audience_no = :audience_no and sync_no = :sync_no and state = 'RUNNING'
    returning audience_no
)
select pg_notify('audience_changed', audience_no::text) from written;

-- name: end_sync :exec
with held as (
    select now() as moment from audience_work
    where audience_no = :audience_no and lease_token = :lease_token
    for no key update
), written as (
    update sync set
        state = :state,
        ended_at = now(),
        throttled_ms = throttled_ms + coalesce(
            greatest(0, floor(extract(epoch from held.moment - throttled_since) * 1000)), 0
        )::bigint,
        throttled_since = null,
        rows_to_add = rows_to_add + :rows_to_add,
        rows_to_remove = rows_to_remove + :rows_to_remove,
        rows_added = rows_added + :rows_added,
        rows_removed = rows_removed + :rows_removed,
        rows_invalid = rows_invalid + :rows_invalid,
        rows_unknown = rows_unknown + :rows_unknown,
        calls = calls + :calls_delta,
        open_rows_to_add = 0, open_rows_to_remove = 0, open_rows_added = 0, open_rows_removed = 0,
        error_reason = :error_reason, error_code = :error_code, error_subcode = :error_subcode,
        error_message = :error_message, error_trace_id = :error_trace_id
    from held
    where audience_no = :audience_no and sync_no = :sync_no and state in ('PENDING', 'RUNNING')
    returning audience_no
)
select pg_notify('audience_changed', audience_no::text) from written;

-- name: hold_up_sync :exec
with held as (
    select 1 as is_held from audience_work
    where audience_no = :audience_no and lease_token = :lease_token
    for no key update
), written as (
    update sync set
        error_reason = :error_reason, error_code = :error_code, error_subcode = :error_subcode,
        error_message = :error_message, error_trace_id = :error_trace_id
    from held
    where audience_no = :audience_no and sync_no = :sync_no and state = 'RUNNING'
    returning audience_no
)
select pg_notify('audience_changed', audience_no::text) from written;

-- name: end_waiting_syncs :exec
with this as materialized (
    select now() as moment
), written as (
    update sync set
        state = 'CANCELLED',
        ended_at = now(),
        throttled_ms = throttled_ms + coalesce(
            greatest(0, floor(extract(epoch from this.moment - throttled_since) * 1000)), 0
        )::bigint,
        throttled_since = null,
        open_rows_to_add = 0, open_rows_to_remove = 0, open_rows_added = 0, open_rows_removed = 0
    from this
    where audience_no = :audience_no and state in ('PENDING', 'RUNNING')
    returning audience_no
)
select pg_notify('audience_changed', audience_no::text) from written;

-- name: note_throttled :exec
-- The ad account's limit keeps this audience's syncs waiting from now on.
with held as (
    select now() as moment from audience_work
    where audience_no = :audience_no and lease_token = :lease_token
    for no key update
)
update sync set throttled_since = coalesce(throttled_since, held.moment)
from held
where audience_no = :audience_no and state in ('PENDING', 'RUNNING');

-- name: list_unmatched_syncs :many
-- Ended ones with additions of which Facebook has not told yet how many people it found.
select sync_no, addition_session_ids from sync
where audience_no = :audience_no and ended_at >= :ended_from and matched_count is null
    and cardinality(addition_session_ids) between 1 and :sessions_max
order by sync_no desc
limit :row_limit;

-- name: set_matched_count :exec
with held as (
    select 1 as is_held from audience_work
    where audience_no = :audience_no and lease_token = :lease_token
    for no key update
), written as (
    update sync set matched_count = :matched_count
    from held
    where audience_no = :audience_no and sync_no = :sync_no
    returning audience_no
)
select pg_notify('audience_changed', audience_no::text) from written;

-- name: add_rejected_rows :exec
insert into rejected_row (audience_no, sync_no, key_mask, reason, row_count)
select :audience_no, :sync_no, refused.key_mask, refused.reason, refused.row_count
from unnest(:key_masks::smallint[], :reasons::text[], :row_counts::bigint[])
    as refused (key_mask, reason, row_count)
on conflict (audience_no, sync_no, key_mask, reason) do update set
    row_count = rejected_row.row_count + excluded.row_count;

-- name: list_rejected_rows :many
-- Of the newest sync first. The digest stands for the reason: a key of bounded length.
select
    r.audience_no, r.sync_no, s.requested_at, r.key_mask, r.reason,
    md5(r.reason) as reason_digest, r.row_count
from rejected_row r join sync s using (audience_no, sync_no)
where r.audience_no = :audience_no
    and r.sync_no between :oldest_no and :from_no
    and (r.sync_no < :from_no or (r.key_mask, md5(r.reason)) > (:after_mask, :after_digest))
order by r.sync_no desc, r.key_mask, md5(r.reason)
limit :row_limit;

-- name: prune_syncs :value
-- Of the oldest ones. The newest stays, so that its number is never given again.
with oldest as (
    select sync_no, ended_at from sync
    where audience_no = :audience_no
        and sync_no < (select max(sync_no) from sync where audience_no = :audience_no)
    order by sync_no
    limit :row_limit
), gone as (
    delete from sync
    where audience_no = :audience_no
        and sync_no = any (array(select sync_no from oldest where ended_at < :before))
    returning sync_no
), details as (
    delete from rejected_row using gone
    where rejected_row.audience_no = :audience_no and rejected_row.sync_no = gone.sync_no
)
select count(*) from gone;
