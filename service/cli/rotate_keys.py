"""`audience-sync rotate-keys`: seals what is secret anew under the first sealing key."""

import asyncio
import os
import pwd
from typing import Annotated

import typer

from service.app import database, keyring_of
from service.cli.serve import STOPPED_BY_A_REASON, read_settings
from service.cli.terminal import fail, out
from service.clock import Clock
from service.settings import Settings
from service.store import key_rotation
from service.store.errors import map_unavailable
from service.store.key_rotation import Rotation, SecretsUnopened
from service.store.migrations import migrate
from service.store.pool import open_pool
from service.store.sealing import Keyring


def rotate_keys(
    *,
    skip_unopened: Annotated[
        bool, typer.Option(help="Leave what cannot be opened as it is instead of doing nothing.")
    ] = False,
) -> None:
    """Seal every access token and app secret anew under the first sealing key; the service may run.

    1. Add the new key behind the old one, in AUDIENCE_SYNC_SEALING_KEYS or the key file of every
    replica, and restart them. 2. Move it to the front, and restart them. 3. Run this, with the same keys
    and the same database. 4. Drop the old key. Broken off it may be run again. A key that is missing is
    named together with the ad accounts that need it; then nothing is changed.

    Example: `audience-sync rotate-keys`
    """
    settings = read_settings()
    try:
        keyring = keyring_of(settings)
        done = asyncio.run(_rotate(settings, keyring, leaves_unopened=skip_unopened))
    except SecretsUnopened as error:
        fail(f"nothing is changed: {error}; or connect the ad account again")
    except STOPPED_BY_A_REASON as error:
        fail(str(error))
    out.print(
        f"{done.resealed:,} ad accounts sealed anew under key {keyring.sealing_id}, "
        f"{done.already_sealed:,} were already",
        markup=False,
    )
    if done.left:
        fail(f"{done.left:,} ad accounts were left: their secrets cannot be opened")


async def _rotate(settings: Settings, keyring: Keyring, *, leaves_unopened: bool) -> Rotation:
    async with database(settings) as dsn:
        await migrate(dsn)
        pool = await open_pool(dsn, size=1)
        with map_unavailable():
            async with pool, pool.acquire() as connection:
                return await key_rotation.rotate_keys(
                    connection,
                    keyring,
                    leaves_unopened=leaves_unopened,
                    clock=Clock(),
                    system_user=_system_user(),
                )


def _system_user() -> str:
    """Who runs this; in a container users may have no names."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
