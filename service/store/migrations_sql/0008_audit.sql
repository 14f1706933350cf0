-- Oldest code: 0007, which writes no events.
--
-- Who did what, apart from changes of membership, which are too many: written in the transaction of the
-- effect, and kept for a time. Keyed by audience like all that is spread; 0 where none is concerned.
create table audit_event (
    audience_no integer not null,
    event_no bigint generated always as identity,
    occurred_at timestamptz not null,
    action text not null,
    -- The name that goes with the caller's token; empty where no tokens are asked for.
    caller text not null,
    -- What the caller's program says it is, and how it came.
    client text not null check (client in ('API', 'COMMAND_LINE')),
    peer_kind text not null check (peer_kind in ('NETWORK', 'LOOPBACK', 'UNIX_SOCKET', 'NONE')),
    -- Names as they were then; empty where none is concerned.
    audience_id text not null,
    ad_account_id text not null,
    -- Names and values in turn.
    details text[] not null check (cardinality(details) % 2 = 0),
    primary key (audience_no, event_no)
);
create index audit_event_time on audit_event (occurred_at, event_no);
create index audit_event_of_audience on audit_event (audience_id, occurred_at, event_no)
    where audience_id <> '';
create index audit_event_of_ad_account on audit_event (ad_account_id, occurred_at, event_no)
    where ad_account_id <> '';

-- When it was last told that the account's token ends soon: once a day, by whichever replica is first.
alter table ad_account add column token_end_told_at timestamptz;
