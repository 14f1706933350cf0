"""What Citus adds to a database, as far as spreading needs it; calls are only noted."""

from typing import Final

CITUS_DOUBLE: Final = """
create table public.pg_dist_partition (logicalrelid regclass primary key, partmethod "char" not null);
create table public.citus_call (call_no integer generated always as identity, call text not null);
create function public.create_distributed_function(function_name regprocedure) returns void
language sql as $$
    insert into public.citus_call (call) values (function_name::text)
$$;
create function public.create_distributed_table(
    table_name regclass, distribution_column text, distribution_type text default 'hash',
    colocate_with text default 'default', shard_count integer default null
) returns void
language sql as $$
    insert into public.pg_dist_partition values (table_name, 'h');
    insert into public.citus_call (call)
    values (table_name || ' by ' || distribution_column || ' with ' || colocate_with)
$$;
"""
"""The names and parameters of Citus 13; there the record and the functions lie in pg_catalog."""
