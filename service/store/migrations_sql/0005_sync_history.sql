alter table sync
    -- How long the ad account's limit kept it waiting, in milliseconds, up to `throttled_since`.
    add column throttled_ms bigint not null default 0 check (throttled_ms >= 0),
    -- Since when it is suspended for that limit.
    add column throttled_since timestamptz,
    -- Facebook's upload sessions of calls that were answered, the newest ones.
    add column addition_session_ids bigint[] not null default '{}',
    add column removal_session_ids bigint[] not null default '{}',
    -- People that Facebook found for the additions; null until it has told.
    add column matched_count bigint check (matched_count >= 0);

-- Whole milliseconds; 0 for no time, and for one that a clock which was set back has still to reach.
create function milliseconds_since(moment timestamptz) returns bigint
language sql stable
as $$ select coalesce(greatest(0, floor(extract(epoch from now() - moment) * 1000)), 0)::bigint $$;
