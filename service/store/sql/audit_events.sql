-- name: insert_audit_event :exec
insert into audit_event (
    audience_no, occurred_at, action, caller, client, peer_kind, audience_id, ad_account_id, details
) values (
    :audience_no, :occurred_at, :action, :caller, :client, :peer_kind, :audience_id, :ad_account_id,
    :details
);

-- name: list_audit_events :many
-- Newest first. A filter that is null or has no action lets all pass.
select
    audience_no, event_no, occurred_at, action, caller, client, peer_kind, audience_id, ad_account_id,
    details
from audit_event
where (occurred_at, event_no) < (:before_at, :before_no)
    and occurred_at >= :begin_at
    and (:audience_id::text is null or audience_id = :audience_id and audience_id <> '')
    and (:ad_account_id::text is null or ad_account_id = :ad_account_id and ad_account_id <> '')
    and (:caller::text is null or caller = :caller)
    and (cardinality(:actions::text[]) = 0 or action = any (:actions))
order by occurred_at desc, event_no desc
limit :row_limit;

-- name: find_last_audit_event :one
-- What was done last of this kind to an audience.
select
    audience_no, event_no, occurred_at, action, caller, client, peer_kind, audience_id, ad_account_id,
    details
from audit_event
where audience_no = :audience_no and action = :action
order by event_no desc
limit 1;

-- name: prune_audit_events :exec
-- The oldest first.
delete from audit_event where ctid = any (array(
    select ctid from audit_event
    where occurred_at < :before
    order by occurred_at, event_no
    limit :row_limit
));
