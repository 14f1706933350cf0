"""`audience-sync rotate-keys`: seals what is secret anew under the first sealing key."""

import asyncio
from typing import Annotated

import typer

from service.app import rotate_sealing_keys
from service.cli.serve import STOPPED_BY_A_REASON, read_settings
from service.cli.terminal import fail, out
from service.store.key_rotation import SecretsUnopened


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
        done, key_id = asyncio.run(rotate_sealing_keys(settings, leaves_unopened=skip_unopened))
    except SecretsUnopened as error:
        fail(f"nothing is changed: {error}; or connect the ad account again")
    except STOPPED_BY_A_REASON as error:
        fail(str(error))
    out.print(
        f"{done.resealed:,} ad accounts sealed anew under key {key_id}, "
        f"{done.already_sealed:,} were already",
        markup=False,
    )
    if done.left:
        fail(f"{done.left:,} ad accounts were left: their secrets cannot be opened")
