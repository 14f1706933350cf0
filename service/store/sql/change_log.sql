-- name: read_window :many
-- Whole chunks in order, at least one, and otherwise no more rows and bytes than asked for. As a chunk
-- has at least one row, no more chunks than rows are looked at; the bytes of one are not read to be
-- counted.
select revision, operation, row_count, packed_rows, rules_version
from (
    select
        revision, operation, row_count, packed_rows, rules_version,
        sum(row_count) over (order by revision) as rows_so_far,
        sum(octet_length(packed_rows)) over (order by revision) as bytes_so_far
    from (
        select revision, operation, row_count, packed_rows, rules_version
        from change_chunk
        where audience_no = :audience_no and revision > :after and revision <= :up_to
        order by revision
        limit :rows_max
    ) as next_chunks
) as counted
where (rows_so_far <= :rows_max and bytes_so_far <= :bytes_max) or rows_so_far = row_count
order by revision;

-- name: read_removals_window :many
-- As read_window, of removals only.
select revision, operation, row_count, packed_rows, rules_version
from (
    select
        revision, operation, row_count, packed_rows, rules_version,
        sum(row_count) over (order by revision) as rows_so_far,
        sum(octet_length(packed_rows)) over (order by revision) as bytes_so_far
    from (
        select revision, operation, row_count, packed_rows, rules_version
        from change_chunk
        where audience_no = :audience_no and operation = 'REMOVE'
            and revision > :after and revision <= :up_to
        order by revision
        limit :rows_max
    ) as next_chunks
) as counted
where (rows_so_far <= :rows_max and bytes_so_far <= :bytes_max) or rows_so_far = row_count
order by revision;

-- name: append_chunks :value
-- Log chunks at the end. Moving the counters takes the audience's lock until the transaction ends.
with moved as (
    update audience set
        revision = revision + cardinality(:chunks::bytea[]),
        rows_logged = rows_logged + (select sum(n) from unnest(:row_counts::integer[]) as n)
    where audience_no = :audience_no
    returning revision
), logged as (
    insert into change_chunk (
        audience_no, revision, operation, row_count, rules_version, logged_at, packed_rows
    )
    select
        :audience_no, moved.revision - cardinality(:chunks::bytea[]) + chunk.place, :operation,
        chunk.row_count, :rules_version, :now, chunk.packed_rows
    from moved,
        unnest(:chunks::bytea[], :row_counts::integer[]) with ordinality
            as chunk (packed_rows, row_count, place)
)
select revision from moved;

-- name: move_chunks_to_end :value
-- What they say is to be sent later, whole: rows that a leaver had together stay together. Moving the
-- counters takes the audience's lock until the transaction ends.
with moved as (
    update audience set
        revision = revision + cardinality(:revisions::bigint[]),
        rows_logged = rows_logged + :row_count
    where audience_no = :audience_no
    returning revision
), numbered as (
    select chunk.revision, chunk.place
    from unnest(:revisions::bigint[]) with ordinality as chunk (revision, place)
), put as (
    update change_chunk c set
        revision = moved.revision - cardinality(:revisions::bigint[]) + numbered.place,
        logged_at = :now
    from moved, numbered
    where c.audience_no = :audience_no and c.revision = numbered.revision
)
select revision from moved;

-- name: count_window :value
-- How many of these chunks are still there.
select count(*) from change_chunk
where audience_no = :audience_no and revision > :after and revision <= :up_to
    and revision = any (:revisions::bigint[]);

-- name: prune_log :value
-- Forget settled additions, and of settled removals that were logged long enough ago some, the oldest.
with additions as (
    delete from change_chunk
    where audience_no = :audience_no and operation = 'ADD' and revision <= :additions_up_to
    returning 1
), removals as (
    delete from change_chunk
    where audience_no = :audience_no and revision = any (array(
        select revision from change_chunk
        where audience_no = :audience_no and operation = 'REMOVE' and logged_at < :removals_before
            and revision <= :additions_up_to
        order by logged_at
        limit :removals_max
    ))
    returning 1
)
select (select count(*) from additions) + (select count(*) from removals);

-- name: prune_tombstones :exec
-- The oldest first. Whose clock was moved meanwhile is kept; the index by age is for who says
-- `> '-infinity'`, so a key is never looked for in it.
delete from tombstone
where audience_no = :audience_no
    and member_key = any (array(
        select member_key from tombstone
        where audience_no = :audience_no
            and changed_at > '-infinity' and changed_at < :before
        order by changed_at
        limit :row_limit
    ))
    and changed_at < :before;

-- name: take_chunks_out :one
-- For chunks that say the same in fewer rows. Gives the rows taken out, and when the oldest was logged.
with gone as (
    delete from change_chunk
    where audience_no = :audience_no and revision > :after and revision <= :up_to
    returning row_count, logged_at
)
select coalesce(sum(row_count), 0)::bigint as rows_gone, min(logged_at) as oldest_logged_at from gone;

-- name: put_chunk_in :exec
insert into change_chunk (
    audience_no, revision, operation, row_count, rules_version, logged_at, packed_rows
) values (
    :audience_no, :revision, :operation, :row_count, :rules_version, :logged_at, :packed_rows
);

-- name: count_rows_saved :exec
-- The log's end stays where it is; fewer rows are pending.
update audience set rows_logged = rows_logged - :rows_saved where audience_no = :audience_no;
