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

-- name: allow_long_statements :value
-- Until the transaction ends. Joins of millions of rows are hashed in memory; a loop over an index would
-- take the planner's word for how few rows there are, and of a list just written it knows nothing.
-- An index of block ranges is read through a bitmap.
select set_config('statement_timeout', :statement_timeout, true)
    || set_config('work_mem', :work_mem, true)
    || set_config('enable_nestloop', 'off', true)
    || set_config('enable_bitmapscan', 'on', true);

-- name: fill_incoming_from_import :one
-- Of the staged list only members who differ from what is stored, and a leaver for each member who is
-- not in it: whoever is stored, or listed, has a row 0. Of several chunks with a member the last counts.
with repeated as materialized (
    select member_key, max(chunk_offset) as chunk_offset, count(*) - 1 as overtaken_count
    from import_row
    where audience_no = :audience_no and row_no = 0
    group by member_key
    having count(*) > 1
), listed as not materialized (
    select i.member_key, i.row_no, i.packed_row, i.email_prefix, i.phone_prefix, i.madid_prefix
    from import_row i left join repeated r using (member_key)
    where i.audience_no = :audience_no and (r.chunk_offset = i.chunk_offset) is not false
), known as (
    select member_key, row_no, packed_row from member where audience_no = :audience_no
), differing as materialized (
    select member_key, row_no = 0 and l.packed_row is null as is_leaving
    from listed l full join known k using (member_key, row_no)
    where l.packed_row is distinct from k.packed_row
), filled as (
    insert into incoming (
        member_key, row_no, packed_row, email_prefix, phone_prefix, madid_prefix, occurred_at
    )
    select
        member_key, row_no, packed_row, email_prefix, phone_prefix, madid_prefix,
        :started_at::timestamptz
    from listed
    where member_key in (select member_key from differing)
    union all
    select member_key, 0, null, null, null, null, :started_at::timestamptz
    from differing where is_leaving
)
select
    (select count(*) from import_row where audience_no = :audience_no and row_no = 0)
        - (select coalesce(sum(overtaken_count), 0)::bigint from repeated) as listed_count,
    (select count(*) from differing where is_leaving) as leaving_count;

-- name: note_list_began :exec
update audience set list_began_at = greatest(list_began_at, :started_at::timestamptz)
where audience_no = :audience_no;

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
