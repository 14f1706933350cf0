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

-- name: read_audience_signs :value
-- Of its syncs the newest ones, of which at most so many are looked at. What was put off once may have gone
-- through since: the newest sync tells.
select
    (
        select failures_in_a_row from audience_work where audience_no = :audience_no
    ) as failures_in_a_row,
    coalesce((
        select error_reason from sync
        where audience_no = :audience_no and ended_at is not null
        order by sync_no desc
        limit 1
    ), '') as last_error_reason,
    (
        select logged_at from change_chunk
        where audience_no = :audience_no and revision > :synced_revision
        order by revision
        limit 1
    ) as oldest_change_at,
    recent.rows_sent,
    recent.rows_refused,
    coalesce((
        select rows_carried_over from sync
        where audience_no = :audience_no and ended_at is not null
        order by sync_no desc
        limit 1
    ), 0) as rows_put_off,
    recent.matched_rows_added,
    recent.people_matched,
    (
        select min(touched_at) from list_import where audience_no = :audience_no and not is_finished
    ) as idle_import_at
from (
    select
        coalesce(sum(rows_added + rows_removed + rows_invalid), 0)::bigint as rows_sent,
        coalesce(sum(rows_invalid), 0)::bigint as rows_refused,
        coalesce(sum(rows_added) filter (where matched_count is not null), 0)::bigint
            as matched_rows_added,
        coalesce(sum(matched_count), 0)::bigint as people_matched
    from (
        select rows_added, rows_removed, rows_invalid, matched_count from sync
        where audience_no = :audience_no and ended_at >= :since
        order by sync_no desc
        limit :syncs_max
    ) as newest
) as recent;

-- name: list_dropped_signs :many
-- The worst day of each kind and reason: a list that is sent anew every day does not add up.
select key, reason, max(dropped) as worst_day_count
from dropped_count
where audience_no = :audience_no and day >= :from_day
group by key, reason
order by key, reason;
