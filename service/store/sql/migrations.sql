-- name: lock_migrations :exec
-- One process migrates at a time; the lock ends with the connection.
select pg_advisory_lock(7238104513920017);

-- name: make_migration_table :exec
create table if not exists schema_migration (
    version integer primary key check (version > 0),
    name text not null,
    checksum bytea not null,
    applied_at timestamptz not null default now()
);

-- name: add_oldest_code :exec
-- Not a migration: programs that know fewer migrations than the database has must find it.
alter table schema_migration add column if not exists oldest_code integer
    check (oldest_code between 1 and version);

-- name: list_applied_migrations :many
select version, name, checksum, oldest_code from schema_migration order by version;

-- name: note_migration :exec
insert into schema_migration (version, name, checksum, oldest_code)
values (:version, :name, :checksum, :oldest_code);
