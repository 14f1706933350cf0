-- name: find_answer :one
select request_digest, answer from request
where audience_no = :audience_no and method = :method and request_id = :request_id;

-- name: find_answers :many
select request_id, request_digest, answer from request
where audience_no = :audience_no and method = :method and request_id = any (:request_ids);

-- name: keep_answer :exec
insert into request (audience_no, method, request_id, request_digest, answer, answered_at)
values (:audience_no, :method, :request_id, :request_digest, :answer, :now);

-- name: keep_answers :exec
insert into request (audience_no, method, request_id, request_digest, answer, answered_at)
select :audience_no, :method, request_id, request_digest, answer, :now
from unnest(
    :request_ids::text[], :request_digests::bytea[], :answers::bytea[]
) kept (request_id, request_digest, answer);

-- name: prune_requests :exec
-- The oldest first, with old ones of another method that have the same id. The index by age is for who
-- says `> '-infinity'`, so a key is never looked for in it.
with oldest as materialized (
    select method, request_id from request
    where audience_no = :audience_no
        and answered_at > '-infinity' and answered_at < :before
    order by answered_at
    limit :row_limit
)
delete from request
where audience_no = :audience_no
    and method = any (array(select distinct method from oldest))
    and request_id = any (array(select request_id from oldest))
    and answered_at < :before;
