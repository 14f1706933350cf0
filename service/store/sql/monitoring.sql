-- name: sample_audiences :many
-- How far behind the connected audiences are: the worst by themselves, the others together for each
-- state. The registry is read whole, of the log only where a cursor stands.
with behind as (
    select
        a.audience_id, a.sync_interval_s, a.rows_logged - w.rows_settled as rows_pending,
        -- As `Audience.state` says.
        case
            when w.custom_audience_id is null then 'CONNECTING'
            when a.paused then 'PAUSED'
            when w.blocked_reason is not null then 'BLOCKED'
            else 'ACTIVE'
        end as state,
        w.blocked_reason,
        -- Of what is settled nothing is looked up. Replicas' clocks date the log, ours tells the age.
        case when a.revision > w.synced_revision then greatest(0, extract(epoch from
            clock_timestamp() - logged_first_after(a.audience_no, w.synced_revision)
        )) else 0 end::float8 as oldest_unsent_s
    from audience a join audience_work w using (audience_no)
    where a.disconnected_at is null
), ranked as (
    select behind.*, row_number() over (
        -- Who is paused is meant to be behind.
        order by state = 'PAUSED', oldest_unsent_s desc, audience_id
    ) as place
    from behind
)
select
    case when place <= :named_max then audience_id end as named,
    state,
    case when state = 'BLOCKED' then blocked_reason end as blocked_reason,
    count(*) as audience_count,
    sum(rows_pending)::bigint as rows_pending,
    max(oldest_unsent_s) as oldest_unsent_s,
    max(oldest_unsent_s / sync_interval_s) as intervals_behind
from ranked
group by 1, 2, 3
order by max(oldest_unsent_s) desc, 1, 2, 3;

-- name: sample_ad_accounts :many
-- How the ad accounts of connected audiences are: the first by themselves, the others together.
with used as (
    select
        a.*, row_number() over (order by a.created_at, a.ad_account_id) as place
    from ad_account a
    where exists (
        select from audience u
        where u.ad_account_id = a.ad_account_id and u.disconnected_at is null
    )
)
select
    case when u.place <= :named_max then u.ad_account_id end as named,
    count(*) as account_count,
    count(*) filter (where u.blocked_reason is not null) as blocked_count,
    -- Null when no token ends.
    min(extract(epoch from u.token_expires_at - clock_timestamp()))::float8 as token_left_s,
    coalesce(
        max(greatest(0, extract(epoch from u.throttled_until - clock_timestamp()))), 0
    )::float8 as throttled_left_s,
    -- Facebook's allowance rolls over: an old usage says nothing of now.
    coalesce(max(p.usage_percent) filter (
        where extract(epoch from clock_timestamp()) - p.usage_at < :usage_fades_s::float8
    ), 0) as usage_percent
from used u left join account_pace p using (ad_account_id)
group by 1
order by 1;
