-- name: lock_ad_account_for_connecting :one
-- Two calls that connect the same audience wait for each other here, not in a unique index.
select ad_account_id from ad_account where ad_account_id = :ad_account_id for no key update;

-- name: insert_audience :one
-- Nothing comes back when the id is connected already.
insert into audience (
    audience_id, ad_account_id, name, description, sync_interval_s, default_region,
    customer_file_source, existing_custom_audience_id
) values (
    :audience_id, :ad_account_id, :name, :description, :sync_interval_s, :default_region,
    :customer_file_source, :existing_custom_audience_id
)
on conflict (audience_id) where disconnected_at is null do nothing
returning audience_no;

-- name: insert_audience_work :exec
insert into audience_work (audience_no, ad_account_id) values (:audience_no, :ad_account_id)
returning pg_notify('audience_due', '');

-- name: is_custom_audience_kept :value
select exists (select from audience_work where custom_audience_id = :custom_audience_id);

-- name: find_audience_number :one
-- The connected audience of this id, else the one that was disconnected last.
select audience_no from audience where audience_id = :audience_id
order by (disconnected_at is null) desc, audience_no desc
limit 1;

-- name: lock_connected_audience :one
-- The registry row is the lock of an audience's membership, log and wishes. It is always taken first.
select audience_no from audience where audience_id = :audience_id and disconnected_at is null
for update;

-- name: lock_audience_for_changes :one
-- The same lock, and what a batch of changes must know of its audience.
select audience_no, audience_id, default_region, disconnect_mode from audience
where audience_id = :audience_id and disconnected_at is null
for update;

-- name: list_audience_numbers :many
-- Connected audiences in the order of their ids.
select audience_no from audience
where disconnected_at is null
    and audience_id > :after_id
    and (:ad_account_id::text is null or ad_account_id = :ad_account_id)
order by audience_id
limit :row_limit;

-- name: read_audiences :many
select
    a.audience_no, a.audience_id, a.ad_account_id, a.name, a.description, a.sync_interval_s,
    a.default_region, a.customer_file_source, a.existing_custom_audience_id, a.paused,
    a.disconnect_mode, a.disconnected_at, a.revision, a.rows_logged, a.member_count,
    a.unmatchable_count, a.created_at, w.custom_audience_id, w.adopted, w.blocked_reason,
    w.blocked_message, w.approximate_count_lower_bound, w.approximate_count_upper_bound,
    w.operation_status, w.synced_revision, w.rows_settled, w.last_sync_at, w.next_sync_at
from audience a join audience_work w using (audience_no)
where a.audience_no = any (:audience_nos::integer[])
order by a.audience_id;

-- name: change_audience :exec
-- Null leaves a value as it is.
update audience set
    name = coalesce(:name, name),
    description = coalesce(:description, description),
    sync_interval_s = coalesce(:sync_interval_s, sync_interval_s),
    default_region = coalesce(:default_region, default_region)
where audience_no = :audience_no;

-- name: sync_within_interval :exec
-- A shorter interval counts from now.
update audience_work set
    next_sync_at = least(next_sync_at, now() + make_interval(secs => :sync_interval_s::integer))
where audience_no = :audience_no;

-- name: set_audience_paused :exec
update audience set paused = :paused where audience_no = :audience_no;

-- name: wish_disconnect :exec
update audience set disconnect_mode = :mode where audience_no = :audience_no;

-- name: wake_audience :exec
-- A wish is due at once. A run that is on has set due_at to infinity, so its end finds the wish.
update audience_work set due_at = least(due_at, now()) where audience_no = :audience_no
returning pg_notify('audience_due', '');
