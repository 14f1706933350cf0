-- name: read_account_pace :one
-- The shared pace of an account, version 0 when there is none yet, and the end of its pause.
select
    coalesce(p.version, 0) as posted_version,
    p.allowance as posted_allowance,
    coalesce(p.usage_percent, 0) as usage_percent,
    coalesce(p.usage_at, 0) as usage_at,
    p.usual_s,
    coalesce(p.cut_at, 0) as cut_at,
    coalesce(p.holders, '{}') as holders,
    coalesce(p.wanted, '{}') as wanted,
    coalesce(p.places, '{}') as places,
    coalesce(p.seen_at, '{}') as seen_at,
    coalesce(extract(epoch from a.throttled_until), 0)::float8 as stopped_until,
    extract(epoch from clock_timestamp())::float8 as read_at
from ad_account a left join account_pace p using (ad_account_id)
where a.ad_account_id = :ad_account_id;

-- name: swap_account_pace :one
-- Put a pace in the place of the version that it was made from; no row when another came between.
insert into account_pace as standing (
    ad_account_id, version, allowance, usage_percent, usage_at, usual_s, cut_at,
    holders, wanted, places, seen_at
) values (
    :ad_account_id, :version + 1, :allowance, :usage_percent, :usage_at, :usual_s, :cut_at,
    :holders, :wanted, :places, :seen_at
)
on conflict (ad_account_id) do update set
    version = excluded.version,
    allowance = excluded.allowance,
    usage_percent = excluded.usage_percent,
    usage_at = excluded.usage_at,
    usual_s = excluded.usual_s,
    cut_at = excluded.cut_at,
    holders = excluded.holders,
    wanted = excluded.wanted,
    places = excluded.places,
    seen_at = excluded.seen_at
where standing.version = :version
returning
    (select coalesce(extract(epoch from a.throttled_until), 0)::float8
     from ad_account a where a.ad_account_id = standing.ad_account_id) as stopped_until,
    extract(epoch from clock_timestamp())::float8 as read_at;
