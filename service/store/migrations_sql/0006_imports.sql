-- How far each import of a list is, and what came of it.
create table list_import (
    audience_no integer not null,
    import_id text not null,
    mode text not null check (mode in ('DELTA', 'REPLACE')),
    is_dry_run boolean not null,
    -- What a replacing list speaks as of.
    started_at timestamptz not null,
    touched_at timestamptz not null,
    -- Changes of the list that are taken in.
    acknowledged bigint not null default 0 check (acknowledged >= 0),
    is_finished boolean not null default false,
    -- The result so far, as the contract's message.
    result bytea not null,
    primary key (audience_no, import_id)
);
create unique index list_import_replacing on list_import (audience_no) where mode = 'REPLACE' and not is_finished;

-- The list of an audience's replacing import, until its last chunk.
create table import_row (
    audience_no integer not null,
    -- The offset of the row's chunk.
    chunk_offset bigint not null,
    member_key uuid not null,
    row_no smallint not null,
    packed_row bytea not null,
    email_prefix bigint,
    phone_prefix bigint,
    madid_prefix bigint
);
create index import_row_audience on import_row (audience_no);
