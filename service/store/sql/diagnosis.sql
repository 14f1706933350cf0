-- name: read_server_signs :value
-- Sessions count that have held their transaction open and idle for longer than ours ever may.
select
    current_setting('server_version_num')::integer as version_number,
    pg_is_in_recovery() as is_standby,
    current_setting('fsync')::boolean as has_fsync,
    current_setting('full_page_writes')::boolean as has_full_page_writes,
    current_setting('synchronous_commit') <> 'off' as has_synchronous_commit,
    current_setting('autovacuum')::boolean as has_autovacuum,
    pg_size_bytes(current_setting('shared_buffers')) as shared_buffer_bytes,
    pg_size_bytes(current_setting('max_wal_size')) as wal_bytes_max,
    (
        select count(*) from pg_stat_activity
        where datname = current_database() and state like 'idle in transaction%'
            and state_change < clock_timestamp() - make_interval(secs => :idle_s)
    ) as idle_in_transaction_count,
    (
        select age(datfrozenxid)::bigint from pg_database where datname = current_database()
    ) as transaction_age,
    clock_timestamp() as now;

-- name: list_table_signs :many
-- Tables of this schema, by Postgres' own estimates.
select
    c.relname::text as table_name,
    s.n_live_tup as live_count,
    s.n_dead_tup as dead_count,
    not exists (
        select from pg_options_to_table(c.reloptions)
        where option_name = 'autovacuum_enabled' and not option_value::boolean
    ) as is_vacuumed
from pg_stat_user_tables s join pg_class c on c.oid = s.relid
where s.schemaname = current_schema()
order by c.relname;

-- name: list_sealing_key_uses :many
-- The key's name stands before what it sealed: `sealing.py`.
select
    encode(substring(sealed from 2 for get_byte(sealed, 0)), 'escape') as key_id,
    count(*) as secret_count
from (
    select sealed_access_token as sealed from ad_account
    union all
    select sealed_app_secret from ad_account
) as secrets
where length(sealed) > 0
group by 1
order by 1;

-- name: read_ad_account_signs :one
select
    a.ad_account_id,
    coalesce(p.usage_percent, 0) as usage_percent,
    coalesce(p.usage_at, 0) as usage_at,
    (
        select count(*) from audience
        where ad_account_id = a.ad_account_id and disconnected_at is null
    ) as audience_count
from ad_account a left join account_pace p using (ad_account_id)
where a.ad_account_id = :ad_account_id;

-- name: list_audience_signs :many
-- The newest syncs of each audience, of which at most so many are looked at.
select
    w.audience_no,
    w.failures_in_a_row,
    coalesce(failed.error_reason, '') as last_error_reason,
    waiting.logged_at as oldest_change_at,
    coalesce(recent.rows_sent, 0) as rows_sent,
    coalesce(recent.rows_refused, 0) as rows_refused,
    coalesce(recent.rows_put_off, 0) as rows_put_off,
    coalesce(recent.matched_rows_added, 0) as matched_rows_added,
    coalesce(recent.people_matched, 0) as people_matched,
    idle.touched_at as idle_import_at
from unnest(:audience_nos::integer[]) as wanted (audience_no)
join audience_work w using (audience_no)
left join lateral (
    select logged_at from change_chunk c
    where c.audience_no = w.audience_no and c.revision > w.synced_revision
    order by c.revision
    limit 1
) as waiting on true
left join lateral (
    select
        sum(rows_added + rows_removed + rows_invalid)::bigint as rows_sent,
        sum(rows_invalid)::bigint as rows_refused,
        -- What was put off once may have gone through since: the newest sync tells.
        (array_agg(rows_carried_over order by sync_no desc))[1] as rows_put_off,
        sum(case when matched_count is not null then rows_added end)::bigint as matched_rows_added,
        sum(matched_count)::bigint as people_matched
    from (
        select sync_no, rows_added, rows_removed, rows_invalid, rows_carried_over, matched_count
        from sync s
        where s.audience_no = w.audience_no and s.ended_at >= :since
        order by s.sync_no desc
        limit :syncs_max
    ) as newest
) as recent on true
left join lateral (
    select error_reason from sync s
    where s.audience_no = w.audience_no and s.state = 'FAILED' and w.failures_in_a_row > 0
    order by s.sync_no desc
    limit 1
) as failed on true
left join lateral (
    select min(i.touched_at) as touched_at from list_import i
    where i.audience_no = w.audience_no and not i.is_finished
) as idle on true
order by w.audience_no;

-- name: list_dropped_signs :many
-- The worst day of each kind and reason: a list that is sent anew every day does not add up.
select audience_no, key, reason, max(dropped) as worst_day_count
from dropped_count
where audience_no = any (:audience_nos::integer[]) and day >= :from_day
group by audience_no, key, reason
order by audience_no, key, reason;
