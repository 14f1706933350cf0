-- name: lock_import :one
-- Locked until the transaction ends.
select import_id, mode, is_dry_run, started_at, touched_at, acknowledged, is_finished, result
from list_import
where audience_no = :audience_no and import_id = :import_id
for update;

-- name: find_open_replace :one
-- The unfinished import that is to replace the audience's membership.
select import_id, mode, is_dry_run, started_at, touched_at, acknowledged, is_finished, result
from list_import
where audience_no = :audience_no and mode = 'REPLACE' and not is_finished;

-- name: begin_import :value
insert into list_import (audience_no, import_id, mode, is_dry_run, started_at, touched_at, result)
values (:audience_no, :import_id, :mode, :is_dry_run, :now, :now, '')
returning import_id, mode, is_dry_run, started_at, touched_at, acknowledged, is_finished, result;

-- name: advance_import :exec
update list_import set
    acknowledged = :acknowledged,
    is_finished = :is_finished,
    touched_at = :now,
    result = :result
where audience_no = :audience_no and import_id = :import_id;

-- name: fill_incoming_from_import :one
-- Of the staged list only members who differ from what is stored, and a leaver for each member who is
-- not in it. Of several chunks with a member the last counts.
with newest as (
    select member_key, max(chunk_offset) as chunk_offset
    from import_row
    where audience_no = :audience_no
    group by member_key
), listed as (
    select r.*
    from import_row r join newest using (member_key, chunk_offset)
    where r.audience_no = :audience_no
), known as (
    select member_key, row_no, packed_row from member where audience_no = :audience_no
), differing as (
    select member_key, bool_or(l.packed_row is not null) as is_listed
    from listed l full join known k using (member_key, row_no)
    where l.packed_row is distinct from k.packed_row
    group by member_key
), leaving as (
    select d.member_key
    from differing d
    where not d.is_listed
        and not exists (select from newest n where n.member_key = d.member_key)
), filled as (
    insert into incoming (
        member_key, row_no, packed_row, email_prefix, phone_prefix, madid_prefix, occurred_at
    )
    select
        l.member_key, l.row_no, l.packed_row, l.email_prefix, l.phone_prefix, l.madid_prefix,
        :started_at::timestamptz
    from listed l join differing using (member_key)
    union all
    select member_key, 0, null, null, null, null, :started_at::timestamptz from leaving
)
select
    (select count(*) from newest) as listed_count,
    (select count(*) from leaving) as leaving_count;

-- name: forget_import_rows :exec
delete from import_row where ctid = any (array(
    select ctid from import_row where audience_no = :audience_no limit :row_limit
));

-- name: clear_import_rows :exec
delete from import_row where audience_no = :audience_no;

-- name: forget_import :exec
delete from list_import where audience_no = :audience_no and import_id = :import_id;

-- name: forget_imports :exec
delete from list_import where audience_no = :audience_no;

-- name: prune_imports :value
-- Whether rows were staged for one that is given up.
with gone as (
    delete from list_import
    where audience_no = :audience_no
        and touched_at < case when is_finished
            then :finished_before::timestamptz else :open_before::timestamptz end
    returning mode, is_finished
)
select exists (select from gone where mode = 'REPLACE' and not is_finished);
