-- name: has_citus :value
-- Whether its functions are there: the extension is made in each database by itself.
select exists (select from pg_proc where proname = 'create_distributed_table')
    and exists (select from pg_proc where proname = 'create_distributed_function');

-- name: list_spread_tables :many
-- Tables that are spread over the nodes already. Citus' own record, which is there only with Citus.
select logicalrelid::text as table_name from pg_dist_partition where partmethod = 'h';

-- name: count_bytes_of_tables :value
-- With their indexes; of tables that are still here as a whole.
select coalesce(sum(pg_total_relation_size(name::regclass)), 0)::bigint
from unnest(:tables::text[]) as name;

-- name: spread_function :exec
-- Nothing happens when it is on the other nodes already.
select create_distributed_function(:signature::text::regprocedure);

-- name: spread_first_table :exec
-- It decides how many pieces there are, and where they lie. Nobody can write to the table meanwhile.
select create_distributed_table(:table_name::text::regclass, 'audience_no', colocate_with => 'none');

-- name: spread_table :exec
-- What belongs to one audience lies on one node. Nobody can write to the table meanwhile.
select create_distributed_table(:table_name::text::regclass, 'audience_no', colocate_with => 'member');
