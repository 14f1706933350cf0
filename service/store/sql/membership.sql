-- name: read_member_page :many
-- Rows that can match somebody, in key order, after a position.
select member_key, row_no, packed_row from member
where audience_no = :audience_no
    and (member_key, row_no) > (:after_key::uuid, :after_row_no::smallint)
    and packed_row <> '\x0000'
order by member_key, row_no
limit :row_limit;

-- name: find_holders :many
-- Rows of present members with these identifiers' prefixes, up to a number of rows each. `key` is the
-- number of the identifier's Key. A prefix may be another value's too: the caller compares in full.
select 0 as key, wanted.prefix, held.member_key, held.packed_row
from unnest(:email_prefixes::bigint[]) as wanted (prefix)
cross join lateral (
    select member_key, packed_row from member
    where audience_no = :audience_no and email_prefix = wanted.prefix
    limit :per_identifier
) as held
union all
select 1, wanted.prefix, held.member_key, held.packed_row
from unnest(:phone_prefixes::bigint[]) as wanted (prefix)
cross join lateral (
    select member_key, packed_row from member
    where audience_no = :audience_no and phone_prefix = wanted.prefix
    limit :per_identifier
) as held
union all
select 2, wanted.prefix, held.member_key, held.packed_row
from unnest(:madid_prefixes::bigint[]) as wanted (prefix)
cross join lateral (
    select member_key, packed_row from member
    where audience_no = :audience_no and madid_prefix = wanted.prefix
    limit :per_identifier
) as held;

-- name: read_members :many
-- All rows of these members that can match somebody.
select m.member_key, m.row_no, m.packed_row
from unnest(:member_keys::uuid[]) as wanted (member_key)
cross join lateral (
    select member_key, row_no, packed_row from member
    where audience_no = :audience_no and member_key = wanted.member_key
    offset 0
) as m
where m.packed_row <> '\x0000';

-- name: forget_rows :exec
-- Of so many rows' members all rows. By an array they are look-ups, whatever the statistics say.
delete from member where audience_no = :audience_no and member_key = any (array(
    select member_key from member
    where audience_no = :audience_no
    order by member_key, row_no
    limit :row_limit
));

-- name: forget_tombstones :exec
delete from tombstone where audience_no = :audience_no and member_key = any (array(
    select member_key from tombstone
    where audience_no = :audience_no
    order by member_key
    limit :row_limit
));

-- name: forget_chunks :exec
delete from change_chunk where audience_no = :audience_no and revision = any (array(
    select revision from change_chunk
    where audience_no = :audience_no
    order by revision
    limit :row_limit
));
