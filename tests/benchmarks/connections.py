"""Owns which process of the service a connection has come to, which is the kernel's choice."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

ESTABLISHED: Final = "01"

Ports = tuple[int, int]
"""Of one end of a connection: its own port, and that of the other end."""


def processes_behind(caller_pid: int, service_pids: Sequence[int]) -> Mapping[Ports, int]:
    """By the ports of the caller's end: the process that has the other end."""
    ports = _ports_by_socket()
    ours = {ports[socket] for socket in _sockets(caller_pid) if socket in ports}
    theirs = {
        ports[socket][::-1]: pid
        for pid in service_pids
        for socket in _sockets(pid)
        if socket in ports
    }
    return {one: theirs[one] for one in ours if one in theirs}


def _ports_by_socket() -> Mapping[str, Ports]:
    """The connections of this machine, by the number that a socket has there."""
    files = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
    rows = [line.split() for file in files for line in file.read_text().splitlines()[1:]]
    return {row[9]: (_port(row[1]), _port(row[2])) for row in rows if row[3] == ESTABLISHED}


def _port(address: str) -> int:
    return int(address.rpartition(":")[2], 16)


def _sockets(pid: int) -> list[str]:
    found = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            name = str(descriptor.readlink())
            if name.startswith("socket:["):
                found.append(name.removeprefix("socket:[").removesuffix("]"))
    return found
