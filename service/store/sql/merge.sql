-- name: has_merge_tables :value
select to_regclass('pg_temp.incoming') is not null;

-- name: make_incoming_table :exec
-- The rows of the batch. A leaver has one record without a row.
create temporary table incoming (
    member_key uuid not null,
    row_no smallint not null,
    packed_row bytea,
    email_prefix bigint,
    phone_prefix bigint,
    madid_prefix bigint,
    occurred_at timestamptz
) on commit delete rows;

-- name: make_stored_table :exec
-- What is stored of the members of the batch.
create temporary table stored (
    member_key uuid not null,
    row_no smallint not null,
    changed_at timestamptz not null,
    packed_row bytea not null,
    place tid not null
) on commit delete rows;

-- name: make_touched_table :exec
-- The members of the batch that something is to be written of.
create temporary table touched (
    member_key uuid not null,
    was_present boolean not null,
    is_present boolean not null,
    had_tombstone boolean not null,
    is_changed boolean not null,
    changed_at timestamptz not null
) on commit delete rows;

-- name: has_leftover_batch :value
-- Whether this transaction has merged a batch before.
select exists (select from incoming);

-- name: clear_merge_tables :exec
truncate incoming, stored, touched;

-- name: fetch_stored :exec
-- `offset 0` keeps it a look-up for each member: joined freely, it could read the whole audience.
insert into stored (member_key, row_no, changed_at, packed_row, place)
select i.member_key, m.row_no, m.changed_at, m.packed_row, m.place
from incoming i cross join lateral (
    select row_no, changed_at, packed_row, ctid as place from member
    where audience_no = :audience_no and member_key = i.member_key
    offset 0
) m
where i.row_no = 0;

-- name: find_touched :exec
-- Judge each member: what is older than what is known of it does nothing; what says nothing new does
-- nothing but, when it says its time, move the member's clock.
with judged as (
    select
        i.member_key,
        s.member_key is not null as was_present,
        i.packed_row is not null as is_present,
        t.changed_at is not null as had_tombstone,
        case when i.occurred_at is not null then least(i.occurred_at, :now) end as said_at,
        coalesce(s.changed_at, t.changed_at) as known_at
    from incoming i
    left join stored s on s.member_key = i.member_key and s.row_no = 0
    left join lateral (
        select changed_at from tombstone
        where audience_no = :audience_no and member_key = i.member_key and s.member_key is null
        offset 0
    ) t on true
    where i.row_no = 0
), differing as (
    select distinct member_key
    from incoming i full join stored s using (member_key, row_no)
    where i.packed_row is distinct from s.packed_row
)
insert into touched (
    member_key, was_present, is_present, had_tombstone, is_changed, changed_at
)
select
    j.member_key, j.was_present, j.is_present, j.had_tombstone, d.member_key is not null,
    coalesce(j.said_at, greatest(:now, j.known_at))
from judged j left join differing d using (member_key)
where (j.said_at >= j.known_at) is not false
    and (
        d.member_key is not null
        or (j.said_at is not null and (j.said_at > j.known_at) is not false)
    );

-- name: delete_gone_rows :exec
-- By place: nobody else writes under the audience's lock, so the places still hold.
delete from member where ctid = any (array(
    select s.place
    from stored s
    join touched t using (member_key)
    left join incoming i using (member_key, row_no)
    where t.is_changed and i.packed_row is null
));

-- name: write_rows :exec
-- Rows that differ, and the first row of each member touched: it carries the member's clock.
insert into member as known (
    audience_no, member_key, row_no, changed_at, email_prefix, phone_prefix, madid_prefix, packed_row
)
select
    :audience_no, i.member_key, i.row_no, t.changed_at, i.email_prefix, i.phone_prefix,
    i.madid_prefix, i.packed_row
from incoming i
join touched t using (member_key)
left join stored s using (member_key, row_no)
where i.packed_row is not null
    and (i.row_no = 0 or i.packed_row is distinct from s.packed_row)
order by i.member_key, i.row_no
on conflict (audience_no, member_key, row_no) do update set
    changed_at = excluded.changed_at,
    email_prefix = excluded.email_prefix,
    phone_prefix = excluded.phone_prefix,
    madid_prefix = excluded.madid_prefix,
    packed_row = excluded.packed_row;

-- name: write_tombstones :exec
-- Of who left, and of who is said to have left at a time although they were not there.
insert into tombstone as known (audience_no, member_key, changed_at)
select :audience_no, member_key, changed_at
from touched
where not is_present
order by member_key
on conflict (audience_no, member_key) do update set changed_at = excluded.changed_at;

-- name: delete_tombstones :exec
-- Of who is back.
delete from tombstone
where audience_no = :audience_no and member_key = any (array(
    select member_key from touched where had_tombstone and is_present
));

-- name: log_changes :one
-- Removals first: a row that moves from one member to another in a batch ends as added. Who loses a
-- row has all that they had logged as removed, and all of it in one chunk: Facebook may find one
-- person by any of them. The rows they keep are held, so a sync adds them again.
with old_row as (
    select s.member_key, s.packed_row
    from stored s join touched t using (member_key)
    where t.is_changed and s.packed_row <> '\x0000'
), new_row as (
    select i.member_key, i.packed_row
    from incoming i join touched t using (member_key)
    where t.is_changed and i.packed_row <> '\x0000'
), loser as (
    select distinct o.member_key
    from old_row o left join new_row n using (member_key, packed_row)
    where n.member_key is null
), change as (
    select 'REMOVE' as operation, o.member_key, o.packed_row
    from old_row o join loser using (member_key)
    union all
    select 'ADD', n.member_key, n.packed_row
    from new_row n left join old_row o using (member_key, packed_row)
    where o.member_key is null
), numbered as (
    select
        operation, member_key, packed_row,
        (rank() over (partition by operation order by member_key) - 1) / :chunk_rows as part
    from change
), chunk as (
    select
        operation, count(*) as row_count,
        string_agg(packed_row, ''::bytea order by member_key, packed_row) as packed_rows,
        row_number() over (order by operation = 'ADD', part) as place
    from numbered
    group by operation, part
), logged as (
    insert into change_chunk (
        audience_no, revision, operation, row_count, rules_version, logged_at, packed_rows
    )
    select
        :audience_no, a.revision + chunk.place, chunk.operation, chunk.row_count, :rules_version,
        :now, chunk.packed_rows
    from chunk join audience a on a.audience_no = :audience_no
    returning row_count
)
select count(*) as chunk_count, coalesce(sum(row_count), 0)::bigint as row_count from logged;

-- name: count_changes :one
-- How the batch moves the audience's counters, and what there is to write. Only a first row can be
-- the empty one; who only has the clock moved is present before and after, or neither.
select
    count(*) filter (where t.is_changed) as changed_count,
    count(*) filter (where t.is_present and not t.was_present)
        - count(*) filter (where t.was_present and not t.is_present) as more_members,
    count(*) filter (where i.packed_row = '\x0000')
        - count(*) filter (where s.packed_row = '\x0000') as more_unmatchable,
    count(*) filter (where t.is_changed and t.was_present) as known_count,
    count(*) filter (where not t.is_present) as absent_count,
    count(*) filter (where t.is_present and t.had_tombstone) as back_count
from touched t
join incoming i on i.member_key = t.member_key and i.row_no = 0
left join stored s on s.member_key = t.member_key and s.row_no = 0;

-- name: move_counters :value
update audience set
    revision = revision + :chunk_count,
    rows_logged = rows_logged + :row_count,
    member_count = member_count + :more_members,
    unmatchable_count = unmatchable_count + :more_unmatchable
where audience_no = :audience_no
returning revision;

-- name: read_revision :value
select revision from audience where audience_no = :audience_no;

-- name: read_changed_keys :many
-- Whom the batch changed.
select member_key from touched where is_changed;
