-- name: leftover_bytes :value
-- What this transaction has left in the tables of a batch merged before; -1 where there are no tables yet.
select coalesce(pg_relation_size(to_regclass('pg_temp.incoming')), -1);

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

-- name: make_touched_table :exec
-- The rows of the members that something is to be written of: as they come, and as they are stored.
-- What is said of a member stands beside each of its rows.
create temporary table touched (
    member_key uuid not null,
    row_no smallint not null,
    packed_row bytea,
    email_prefix bigint,
    phone_prefix bigint,
    madid_prefix bigint,
    stored_row bytea,
    was_present boolean not null,
    is_present boolean not null,
    had_tombstone boolean not null,
    is_changed boolean not null,
    changed_at timestamptz not null
) on commit delete rows;

-- name: clear_merge_tables :exec
truncate incoming, touched;

-- name: find_touched :one
-- Judge each member: what is older than what is known of it does nothing; what says nothing new does
-- nothing but, when it says its time, move the member's clock. Tells how many rows and members there
-- are of what kind: who only has the clock moved is present before and after, or neither.
-- The batch is sorted once, for look-ups and writes that stay near each other in the index. By an array
-- and `offset 0` they are look-ups for each member: joined freely, they could read the whole audience.
with batch as materialized (
    select
        member_key, row_no, packed_row, email_prefix, phone_prefix, madid_prefix,
        case when occurred_at is not null then least(occurred_at, :now) end as said_at
    from incoming
    order by member_key, row_no
), stored as materialized (
    select member_key, row_no, changed_at, packed_row from member
    where audience_no = :audience_no
        and member_key = any (array(select member_key from batch where row_no = 0))
), compared as (
    select
        member_key, row_no, b.packed_row, b.email_prefix, b.phone_prefix, b.madid_prefix,
        s.packed_row as stored_row,
        first_value(s.packed_row is not null) over whole as was_present,
        first_value(b.packed_row is not null) over whole as is_present,
        first_value(t.changed_at is not null) over whole as had_tombstone,
        bool_or(b.packed_row is distinct from s.packed_row) over whole as is_changed,
        first_value(b.said_at) over whole as said_at,
        greatest(first_value(coalesce(s.changed_at, t.changed_at)) over whole, a.list_began_at)
            as known_at
    from batch b
    full join stored s using (member_key, row_no)
    cross join (select list_began_at from audience where audience_no = :audience_no) a
    left join lateral (
        select changed_at from tombstone
        where audience_no = :audience_no and member_key = b.member_key
            and b.row_no = 0 and s.packed_row is null
        offset 0
    ) t on true
    window whole as (
        partition by member_key order by row_no
        rows between unbounded preceding and unbounded following
    )
), found as (
    insert into touched (
        member_key, row_no, packed_row, email_prefix, phone_prefix, madid_prefix, stored_row,
        was_present, is_present, had_tombstone, is_changed, changed_at
    )
    select
        member_key, row_no, packed_row, email_prefix, phone_prefix, madid_prefix, stored_row,
        was_present, is_present, had_tombstone, is_changed,
        coalesce(said_at, greatest(:now, known_at))
    from compared
    where (said_at >= known_at) is not false
        and (is_changed or (said_at is not null and (said_at > known_at) is not false))
    returning row_no, packed_row, stored_row, was_present, is_present, had_tombstone, is_changed
)
select
    count(*) filter (where row_no = 0 and is_changed) as changed_count,
    count(*) filter (where row_no = 0 and is_present and not was_present)
        - count(*) filter (where row_no = 0 and was_present and not is_present) as more_members,
    count(*) filter (where packed_row = '\x0000')
        - count(*) filter (where stored_row = '\x0000') as more_unmatchable,
    count(*) filter (where row_no = 0 and was_present and not is_present) as leaver_count,
    count(*) filter (where is_present and packed_row is null) as lost_row_count,
    count(*) filter (where packed_row is not null and stored_row is null) as new_row_count,
    count(*) filter (where packed_row is not null and stored_row is not null) as known_row_count,
    count(*) filter (where row_no = 0 and not is_present) as absent_count,
    count(*) filter (where row_no = 0 and is_present and had_tombstone) as back_count
from found;

-- name: delete_leavers :exec
-- By an array they are look-ups for each member: joined freely, they could read the whole audience.
delete from member
where audience_no = :audience_no and member_key = any (array(
    select member_key from touched where row_no = 0 and was_present and not is_present
));

-- name: delete_lost_rows :exec
-- Of who stays with fewer rows: `is true` keeps what tells them apart from becoming a join.
delete from member
where audience_no = :audience_no
    and member_key = any (array(
        select member_key from touched where is_present and packed_row is null
    ))
    and ((member_key, row_no) in (
        select member_key, row_no from touched where is_present and packed_row is null
    )) is true;

-- name: change_known_rows :exec
-- Rows that differ, and the first row of each member touched: it carries the member's clock. All are
-- there, as was seen under the audience's lock: an update would have to join them, and with wrong
-- statistics read the whole audience.
insert into member as known (
    audience_no, member_key, row_no, changed_at, email_prefix, phone_prefix, madid_prefix, packed_row
)
select
    :audience_no, member_key, row_no, changed_at, email_prefix, phone_prefix, madid_prefix, packed_row
from touched
where packed_row is not null and stored_row is not null
    and (row_no = 0 or packed_row <> stored_row)
on conflict (audience_no, member_key, row_no) do update set
    changed_at = excluded.changed_at,
    email_prefix = excluded.email_prefix,
    phone_prefix = excluded.phone_prefix,
    madid_prefix = excluded.madid_prefix,
    packed_row = excluded.packed_row;

-- name: insert_new_rows :exec
-- In the order of `touched`, which is that of the key. That none is there was seen under the
-- audience's lock: asking again at each row, as `on conflict` does, costs half as much again.
insert into member (
    audience_no, member_key, row_no, changed_at, email_prefix, phone_prefix, madid_prefix, packed_row
)
select
    :audience_no, member_key, row_no, changed_at, email_prefix, phone_prefix, madid_prefix, packed_row
from touched
where packed_row is not null and stored_row is null;

-- name: write_tombstones :exec
-- Of who left, and of who is said to have left at a time although they were not there.
insert into tombstone as known (audience_no, member_key, changed_at)
select :audience_no, member_key, changed_at
from touched
where row_no = 0 and not is_present
on conflict (audience_no, member_key) do update set changed_at = excluded.changed_at;

-- name: delete_tombstones :exec
-- Of who is back.
delete from tombstone
where audience_no = :audience_no and member_key = any (array(
    select member_key from touched where row_no = 0 and had_tombstone and is_present
));

-- name: log_changes :one
-- Removals first: a row that moves from one member to another in a batch ends as added. Who loses a
-- row has all that they had logged as removed, and all of it in one chunk: Facebook may find one
-- person by any of them. The rows they keep are held, so a sync adds them again.
with old_row as (
    select member_key, stored_row as packed_row from touched
    where is_changed and stored_row <> '\x0000'
), new_row as (
    select member_key, packed_row from touched where is_changed and packed_row <> '\x0000'
), loser as (
    select distinct o.member_key
    from old_row o left join new_row n using (member_key, packed_row)
    where n.member_key is null
), change as (
    select false as is_addition, o.member_key, o.packed_row
    from old_row o join loser using (member_key)
    union all
    select true, n.member_key, n.packed_row
    from new_row n left join old_row o using (member_key, packed_row)
    where o.member_key is null
), numbered as (
    select
        is_addition, member_key, packed_row,
        (rank() over (partition by is_addition order by member_key) - 1) / :chunk_rows as part
    from change
), chunk as (
    select
        is_addition, count(*) as row_count,
        string_agg(packed_row, ''::bytea order by member_key, packed_row) as packed_rows,
        row_number() over (order by is_addition, part) as place
    from numbered
    group by is_addition, part
), logged as (
    insert into change_chunk (
        audience_no, revision, operation, row_count, rules_version, logged_at, packed_rows
    )
    select
        :audience_no, a.revision + chunk.place,
        case when chunk.is_addition then 'ADD' else 'REMOVE' end,
        chunk.row_count, :rules_version, :now, chunk.packed_rows
    from chunk join audience a on a.audience_no = :audience_no
    returning row_count
)
select count(*) as chunk_count, coalesce(sum(row_count), 0)::bigint as row_count from logged;

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
select member_key from touched where row_no = 0 and is_changed;

-- name: has_tombstones :value
-- Whether anyone is known to have left.
select exists (select from tombstone where audience_no = :audience_no);
