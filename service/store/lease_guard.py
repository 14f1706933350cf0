"""Guards writes by the lease: they find nothing once the audience was claimed by somebody else."""

from typing import Final

from service.store.connection import Connection
from service.store.queries import Command, PythonType, Query

LEASE: Final[dict[str, PythonType]] = {"audience_no": int, "lease_token": int}
"""Parameters that every guarded text takes."""

HOLD_LEASE = Query("hold_lease", takes=LEASE, returns=int)


async def hold_lease(connection: Connection, audience_no: int, lease_token: int) -> bool:
    """Keep the lease from being taken until the transaction ends; False when it is another's."""
    held = await HOLD_LEASE.one(connection, audience_no=audience_no, lease_token=lease_token)
    return held is not None


async def write_held(
    command: Command, connection: Connection, audience_no: int, lease_token: int, **values: object
) -> bool:
    """Run a guarded text that changes one row; False when the lease is another's."""
    written = await command.execute(
        connection, audience_no=audience_no, lease_token=lease_token, **values
    )
    return written == 1
