-- Oldest code: 0007, which does not call it.
--
-- When the first change after a cursor was logged; null when there is none. A function, because the
-- registry, which is read whole, cannot be joined with a log that is spread over nodes: called for one
-- audience after the other, each is a question to the one node that has it.
create function logged_first_after(audience_no integer, cursor_at bigint) returns timestamptz
language sql stable
as $$
    select c.logged_at from change_chunk c where c.audience_no = $1 and c.revision > $2
    order by c.revision limit 1
$$;

-- By age only for who asks by age: the planner takes an audience that is new since the last analysis for
-- a record or two, and would rather read all of it here than look up a key. What is not said to be after
-- the beginning of time cannot use these.
drop index tombstone_age;
create index tombstone_age on tombstone (audience_no, changed_at) where changed_at > '-infinity';
drop index request_age;
create index request_age on request (audience_no, answered_at) where answered_at > '-infinity';
