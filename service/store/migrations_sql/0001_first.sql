-- The first schema. A small registry (installation, ad_account, audience, audience_work) holds what
-- must be unique or claimed across audiences; every other table is keyed by audience_no first, so
-- that it can be spread by audience.

create table installation (
    only_one boolean primary key default true check (only_one),
    -- Marks our Custom Audiences on Facebook; two installations never share one.
    installation_id text not null
);
insert into installation (installation_id) values (left(replace(gen_random_uuid()::text, '-', ''), 12));

create table ad_account (
    ad_account_id text primary key check (ad_account_id ~ '^act_[0-9]{1,20}$'),
    name text not null,
    app_id text not null,
    sealed_access_token bytea not null,
    sealed_app_secret bytea,
    token_expires_at timestamptz,
    scopes text[] not null,
    blocked_reason text,
    throttled_until timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table audience (
    audience_no integer generated always as identity primary key,
    audience_id text not null check (audience_id ~ '^[a-z0-9][a-z0-9_.-]{0,63}$'),
    ad_account_id text not null references ad_account,
    name text not null,
    description text not null,
    sync_interval_s integer not null check (sync_interval_s between 300 and 604800),
    default_region text not null check (default_region ~ '^[A-Z]{2}$'),
    customer_file_source text not null,
    existing_custom_audience_id text,
    paused boolean not null default false,
    disconnect_mode text check (disconnect_mode in ('FLUSH', 'DELETE_ON_FACEBOOK', 'ABANDON')),
    disconnected_at timestamptz,
    -- Counters, moved by the transaction that merges a batch.
    revision bigint not null default 0,
    rows_logged bigint not null default 0,
    member_count bigint not null default 0 check (member_count >= 0),
    unmatchable_count bigint not null default 0 check (unmatchable_count between 0 and member_count),
    created_at timestamptz not null default now()
) with (fillfactor = 70);
create unique index audience_connected_id on audience (audience_id) where disconnected_at is null;
create index audience_former_id on audience (audience_id, audience_no);
create index audience_of_ad_account on audience (ad_account_id);
create unique index audience_adopts on audience (existing_custom_audience_id)
    where disconnected_at is null and existing_custom_audience_id is not null;

-- What the lease holder writes. Apart from the registry row, so that renewing a lease never waits
-- behind a long merge.
create table audience_work (
    audience_no integer primary key references audience,
    ad_account_id text not null references ad_account,
    -- Lease. The token is new with every claim: a late holder's writes find nothing.
    lease_token bigint not null default 0,
    lease_holder text,
    lease_expires_at timestamptz,
    check ((lease_holder is null) = (lease_expires_at is null)),
    due_at timestamptz not null default now(),
    -- Facebook's side.
    custom_audience_id text,
    -- The one that a disconnected audience kept.
    former_custom_audience_id text,
    adopted boolean not null default false,
    create_attempted_at timestamptz,
    told_name text,
    told_description text,
    blocked_reason text,
    blocked_message text not null default '',
    probe_at timestamptz,
    approximate_count_lower_bound bigint,
    approximate_count_upper_bound bigint,
    operation_status integer,
    -- The cursor.
    synced_revision bigint not null default 0,
    rows_settled bigint not null default 0,
    last_sync_at timestamptz,
    next_sync_at timestamptz not null default now(),
    failures_in_a_row integer not null default 0,
    -- After an unknown outcome: no opposite call before these, and what is planned once more.
    hold_additions_until timestamptz,
    hold_removals_until timestamptz,
    recheck_from bigint,
    recheck_at timestamptz,
    check ((recheck_from is null) = (recheck_at is null)),
    -- The refresh under way: REMOVALS up to a revision, then MEMBERS in key order.
    refresh_due_at timestamptz,
    refresh_phase text check (refresh_phase in ('REMOVALS', 'MEMBERS')),
    refresh_revision bigint,
    refresh_after_key uuid,
    refresh_after_row_no smallint
) with (fillfactor = 50);
create index audience_work_due on audience_work (due_at) where lease_holder is null;
create index audience_work_leased on audience_work (lease_expires_at) where lease_holder is not null;
create index audience_work_of_ad_account on audience_work (ad_account_id);
-- One Custom Audience is never kept twice (a disconnected audience gives its id up).
create unique index audience_work_custom_audience on audience_work (custom_audience_id);
create index audience_work_former on audience_work (former_custom_audience_id)
    where former_custom_audience_id is not null;

-- Desired membership: one record a row of a member. row_no 0 always exists, and its changed_at is the
-- member's clock; a member with nothing to match has one record with the empty row.
create table member (
    audience_no integer not null,
    member_key uuid not null,
    row_no smallint not null,
    changed_at timestamptz not null,
    email_prefix bigint,
    phone_prefix bigint,
    madid_prefix bigint,
    packed_row bytea not null check (length(packed_row) >= 2),
    primary key (audience_no, member_key, row_no)
);
create index member_email on member (audience_no, email_prefix) where email_prefix is not null;
create index member_phone on member (audience_no, phone_prefix) where phone_prefix is not null;
create index member_madid on member (audience_no, madid_prefix) where madid_prefix is not null;

-- Who left, and when, so that an older change cannot bring them back.
create table tombstone (
    audience_no integer not null,
    member_key uuid not null,
    changed_at timestamptz not null,
    primary key (audience_no, member_key)
);
create index tombstone_age on tombstone (audience_no, changed_at);

-- The change log: packed rows with one operation, in commit order.
create table change_chunk (
    audience_no integer not null,
    revision bigint not null,
    operation text not null check (operation in ('ADD', 'REMOVE')),
    row_count integer not null check (row_count between 1 and 10000),
    rules_version smallint not null,
    logged_at timestamptz not null,
    packed_rows bytea not null,
    primary key (audience_no, revision)
);
alter table change_chunk alter column packed_rows set storage external;
create index change_chunk_additions on change_chunk (audience_no, revision) where operation = 'ADD';
create index change_chunk_removals on change_chunk (audience_no, revision) where operation = 'REMOVE';
create index change_chunk_removal_age on change_chunk (audience_no, logged_at)
    where operation = 'REMOVE';

create table sync (
    audience_no integer not null,
    sync_no bigint not null,
    trigger text not null check (trigger in ('SCHEDULE', 'REQUEST', 'CONNECT', 'DISCONNECT', 'RECHECK')),
    mode text not null check (mode in ('CHANGES', 'REFRESH')),
    state text not null check (
        state in ('PENDING', 'RUNNING', 'SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'FAILED', 'CANCELLED')
    ),
    target_revision bigint not null default 0,
    -- Totals of the settled windows.
    rows_to_add bigint not null default 0,
    rows_to_remove bigint not null default 0,
    rows_added bigint not null default 0,
    rows_removed bigint not null default 0,
    rows_invalid bigint not null default 0,
    rows_carried_over bigint not null default 0,
    rows_unknown bigint not null default 0,
    calls bigint not null default 0,
    -- The window under way, overwritten as it goes and emptied when it is settled.
    open_rows_to_add bigint not null default 0,
    open_rows_to_remove bigint not null default 0,
    open_rows_added bigint not null default 0,
    open_rows_removed bigint not null default 0,
    requested_at timestamptz not null,
    started_at timestamptz,
    ended_at timestamptz,
    error_reason text,
    error_code integer,
    error_subcode integer,
    error_message text,
    error_trace_id text,
    primary key (audience_no, sync_no),
    constraint every_row_accounted check (
        rows_to_add + rows_to_remove
        = rows_added + rows_removed + rows_invalid + rows_carried_over + rows_unknown
    ),
    constraint unknown_only_when_failed check (rows_unknown = 0 or state = 'FAILED'),
    constraint ended_has_end check (
        (ended_at is null) = (state in ('PENDING', 'RUNNING'))
        and (state not in ('SUCCEEDED', 'PARTIALLY_SUCCEEDED', 'RUNNING') or started_at is not null)
    ),
    constraint partial_means_losses check (
        state <> 'SUCCEEDED' or rows_invalid + rows_carried_over = 0
    )
);
-- One waiting and one running sync of each mode: changes are synced between a refresh's pages.
create unique index sync_waiting on sync (audience_no, mode) where state = 'PENDING';
create unique index sync_running on sync (audience_no, mode) where state = 'RUNNING';

-- Rows that Facebook refused, without the values: which keys the row had, why, how often.
create table rejected_row (
    audience_no integer not null,
    sync_no bigint not null,
    key_mask smallint not null,
    reason text not null,
    row_count bigint not null check (row_count > 0),
    primary key (audience_no, sync_no, key_mask, reason)
);

-- First answers, for repeats with the same request_id.
create table request (
    audience_no integer not null,
    method text not null,
    request_id text not null,
    request_digest bytea not null,
    answer bytea not null,
    answered_at timestamptz not null,
    primary key (audience_no, method, request_id)
);
create index request_age on request (audience_no, answered_at);
