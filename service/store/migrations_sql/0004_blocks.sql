-- An ad account that is blocked is probed by one audience for all of them.
alter table ad_account
    add column blocked_at timestamptz,
    add column probe_at timestamptz;

alter table audience_work
    -- Since when the Custom Audience is ours: right after that Facebook may not know it everywhere.
    add column custom_audience_since timestamptz,
    -- Those given up before `former_custom_audience_id`.
    add column earlier_custom_audience_ids text[] not null default '{}',
    -- Calls that failed in passing since one came through.
    add column failed_calls_in_a_row integer not null default 0;
