-- name: claim_due :one
-- Take the lease that ran out first, else the audience that has been due for longest. What another
-- worker is taking is skipped. A run's due_at is infinity: a wish that arrives meanwhile shows there.
-- A lease that ran out may have calls in flight: both directions are held back, and what was sent
-- since the cursor is planned once more.
with expired as materialized (
    select audience_no from audience_work
    where lease_holder is not null and lease_expires_at <= statement_timestamp()
    order by lease_expires_at
    limit 1
    for update skip locked
), due as materialized (
    select audience_no from audience_work
    where lease_holder is null and due_at <= statement_timestamp()
        and not exists (select from expired)
    order by due_at
    limit 1
    for update skip locked
), chosen as (
    select audience_no, true as is_taken_over from expired
    union all
    select audience_no, false from due
)
update audience_work w set
    -- Also after a failover that lost the newest claim: its holder's token is never given again.
    lease_token = greatest(
        w.lease_token + 1, (extract(epoch from clock_timestamp()) * 1000000)::bigint
    ),
    lease_holder = :holder,
    lease_expires_at = statement_timestamp() + make_interval(secs => :lease_s),
    due_at = 'infinity',
    hold_additions_until = case when is_taken_over
        then greatest(w.hold_additions_until, statement_timestamp() + make_interval(secs => :quiet_s))
        else w.hold_additions_until end,
    hold_removals_until = case when is_taken_over
        then greatest(w.hold_removals_until, statement_timestamp() + make_interval(secs => :quiet_s))
        else w.hold_removals_until end,
    recheck_from = case when is_taken_over
        then least(w.recheck_from, w.synced_revision) else w.recheck_from end,
    recheck_at = case when is_taken_over
        then greatest(
            w.recheck_at, statement_timestamp() + make_interval(secs => :recheck_after_s)
        )
        else w.recheck_at end
from chosen
where w.audience_no = chosen.audience_no
returning w.audience_no, w.lease_token;

-- name: read_work :one
-- Nothing comes back when the lease is another's.
select
    w.audience_no, a.audience_id, a.ad_account_id, a.name, a.description, a.sync_interval_s,
    a.customer_file_source, a.existing_custom_audience_id, a.paused, a.disconnect_mode,
    a.disconnected_at, a.revision, a.rows_logged, a.member_count, w.lease_token, w.lease_expires_at,
    w.custom_audience_id, w.custom_audience_since, w.adopted, w.create_attempted_at, w.told_name,
    w.told_description, w.blocked_reason, w.blocked_message, w.probe_at,
    w.approximate_count_lower_bound, w.approximate_count_upper_bound, w.operation_status,
    w.synced_revision, w.rows_settled, w.last_sync_at, w.next_sync_at, w.failures_in_a_row,
    w.failed_calls_in_a_row, w.hold_additions_until, w.hold_removals_until, w.recheck_from,
    w.recheck_at, w.refresh_due_at, w.refresh_phase, w.refresh_revision, w.refresh_after_key,
    w.refresh_after_row_no, i.installation_id, clock_timestamp() as now
from audience_work w join audience a using (audience_no) cross join installation i
where w.audience_no = :audience_no and w.lease_token = :lease_token;

-- name: next_due_in_s :value
-- Seconds until something is due or a lease runs out; null when nothing ever is.
select extract(epoch from least(
    (select min(due_at) from audience_work where lease_holder is null and due_at < 'infinity'),
    (select min(lease_expires_at) from audience_work where lease_holder is not null)
) - clock_timestamp())::double precision;

-- name: renew_lease :exec
update audience_work set
    lease_expires_at = statement_timestamp() + make_interval(secs => :lease_s)
where audience_no = :audience_no and lease_token = :lease_token and lease_holder is not null;

-- name: release_lease :exec
-- What was wished during the run stays due. A given due_at goes before what the record says. A
-- disconnected audience is due once more, if at all, to have its history forgotten.
update audience_work w set
    lease_holder = null,
    lease_expires_at = null,
    due_at = case when a.disconnected_at is not null then coalesce(:due_at::timestamptz, 'infinity') else least(
        w.due_at,
        coalesce(:due_at, case
            when w.blocked_reason is not null
                then coalesce(greatest(w.probe_at, now()), now() + interval '1 day')
            when a.paused and a.disconnect_mode is null then 'infinity'
            else greatest(now(), least(w.next_sync_at, w.recheck_at, w.refresh_due_at))
        end)
    ) end
from audience a
where a.audience_no = w.audience_no
    and w.audience_no = :audience_no and w.lease_token = :lease_token
returning case when w.due_at <= now() then pg_notify('audience_due', '') end;

-- name: hold_lease :one
-- Keep the lease from being taken until the transaction ends; nothing when it is another's.
select audience_no from audience_work
where audience_no = :audience_no and lease_token = :lease_token
for no key update;

-- name: note_create_attempt :exec
update audience_work set create_attempted_at = :at
where audience_no = :audience_no and lease_token = :lease_token;

-- name: set_custom_audience :exec
-- Facebook's list is new to us: everything present is sent to it by a refresh.
update audience_work set
    custom_audience_id = :custom_audience_id,
    custom_audience_since = now(),
    failed_calls_in_a_row = 0,
    adopted = :adopted,
    told_name = :told_name,
    told_description = :told_description,
    create_attempted_at = null,
    blocked_reason = null,
    blocked_message = '',
    probe_at = null,
    next_sync_at = now(),
    refresh_due_at = now(),
    refresh_phase = null,
    refresh_revision = null,
    refresh_after_key = null,
    refresh_after_row_no = null
where audience_no = :audience_no and lease_token = :lease_token
returning pg_notify('audience_changed', audience_no::text);

-- name: count_failed_call :exec
update audience_work set failed_calls_in_a_row = failed_calls_in_a_row + 1
where audience_no = :audience_no and lease_token = :lease_token;

-- name: forget_custom_audience :exec
-- Facebook lost it: another one is made. Its marker is not to be found as the product of that.
update audience_work set
    former_custom_audience_id = custom_audience_id,
    earlier_custom_audience_ids = case when former_custom_audience_id is null
        then earlier_custom_audience_ids
        else earlier_custom_audience_ids || former_custom_audience_id end,
    custom_audience_id = null,
    custom_audience_since = null,
    create_attempted_at = null,
    told_name = null,
    told_description = null,
    approximate_count_lower_bound = null,
    approximate_count_upper_bound = null,
    operation_status = null,
    blocked_reason = null,
    blocked_message = '',
    probe_at = null
where audience_no = :audience_no and lease_token = :lease_token
    and custom_audience_id = :custom_audience_id
returning pg_notify('audience_changed', audience_no::text);

-- name: set_told :exec
update audience_work set
    told_name = :told_name, told_description = :told_description, failed_calls_in_a_row = 0
where audience_no = :audience_no and lease_token = :lease_token;

-- name: block_audience :exec
-- A wish that came during the run may be the cure (a new token): then it is tried at once, and the
-- wish is used up, or a run would try for ever.
update audience_work set
    blocked_reason = :reason,
    blocked_message = :message,
    probe_at = case when due_at <= now() then now() else :probe_at end,
    due_at = 'infinity'
where audience_no = :audience_no and lease_token = :lease_token
returning pg_notify('audience_changed', audience_no::text);

-- name: unblock_audience :exec
update audience_work set blocked_reason = null, blocked_message = '', probe_at = null
where audience_no = :audience_no and lease_token = :lease_token
returning pg_notify('audience_changed', audience_no::text);

-- name: set_facts :exec
update audience_work set
    approximate_count_lower_bound = :lower,
    approximate_count_upper_bound = :upper,
    operation_status = :operation_status,
    failed_calls_in_a_row = 0
where audience_no = :audience_no and lease_token = :lease_token;

-- name: hold_directions :exec
-- Only ever widens: null adds nothing.
update audience_work set
    hold_additions_until = greatest(hold_additions_until, :additions_until),
    hold_removals_until = greatest(hold_removals_until, :removals_until),
    recheck_from = least(recheck_from, :recheck_from),
    recheck_at = greatest(recheck_at, :recheck_at)
where audience_no = :audience_no and lease_token = :lease_token;

-- name: move_refresh :exec
update audience_work set
    refresh_phase = :phase,
    refresh_revision = :revision,
    refresh_after_key = :after_key,
    refresh_after_row_no = :after_row_no,
    refresh_due_at = :due_at
where audience_no = :audience_no and lease_token = :lease_token;

-- name: advance_recheck :exec
update audience_work set
    recheck_from = case when recheck_from is null then null else :recheck_from::bigint end
where audience_no = :audience_no and lease_token = :lease_token;

-- name: finish_recheck :exec
-- What was widened since it was seen stays as it is, and wider still by what the recheck itself leaves.
update audience_work set
    recheck_from = case when recheck_from >= :recheck_from_seen then :new_recheck_from
        else least(recheck_from, :new_recheck_from) end,
    recheck_at = case when recheck_from >= :recheck_from_seen then :new_recheck_at
        else greatest(recheck_at, :new_recheck_at) end
where audience_no = :audience_no and lease_token = :lease_token;

-- name: schedule_sync :exec
-- The interval counts as it is now: the caller may know an older, longer one.
update audience_work w set
    next_sync_at = least(:next_sync_at, now() + make_interval(secs => a.sync_interval_s)),
    failures_in_a_row = :failures_in_a_row,
    last_sync_at = coalesce(:last_sync_at, w.last_sync_at)
from audience a
where a.audience_no = w.audience_no
    and w.audience_no = :audience_no and w.lease_token = :lease_token;

-- name: settle_window :exec
-- The cursor never goes back.
update audience_work set
    synced_revision = greatest(synced_revision, :synced_revision),
    rows_settled = rows_settled + :rows_settled
where audience_no = :audience_no and lease_token = :lease_token
returning pg_notify('audience_changed', audience_no::text);

-- name: lock_audience_by_no :one
select audience_no from audience where audience_no = :audience_no for update;

-- name: was_given_up :value
-- Whether an audience kept this Custom Audience before: it may still carry our marker.
select exists (
    select from audience_work where former_custom_audience_id = :custom_audience_id
        or :custom_audience_id = any (earlier_custom_audience_ids)
);

-- name: give_up_custom_audience :exec
update audience_work set
    former_custom_audience_id = coalesce(custom_audience_id, former_custom_audience_id),
    earlier_custom_audience_ids = case
        when custom_audience_id is null or former_custom_audience_id is null
        then earlier_custom_audience_ids
        else earlier_custom_audience_ids || former_custom_audience_id end,
    custom_audience_id = null,
    blocked_reason = null,
    blocked_message = '',
    probe_at = null,
    due_at = 'infinity'
where audience_no = :audience_no and lease_token = :lease_token;

-- name: end_audience :exec
-- Its membership was forgotten before.
update audience set
    disconnected_at = coalesce(disconnected_at, now()),
    member_count = 0,
    unmatchable_count = 0
where audience_no = :audience_no
returning pg_notify('audience_changed', audience_no::text);
