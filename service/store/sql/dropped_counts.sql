-- name: add_dropped_counts :exec
insert into dropped_count (audience_no, day, key, reason, dropped)
select :audience_no, :day, said.key, said.reason, said.dropped
from unnest(:keys::smallint[], :reasons::smallint[], :counts::bigint[])
    as said (key, reason, dropped)
on conflict (audience_no, day, key, reason)
    do update set dropped = dropped_count.dropped + excluded.dropped;

-- name: forget_dropped_counts :exec
delete from dropped_count where audience_no = :audience_no and day < :before_day;
