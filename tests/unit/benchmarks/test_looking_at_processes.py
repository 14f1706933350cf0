"""What benchmarks read of processes from outside: connections, children, and lines of their logs."""

import os
import socket
import subprocess
import sys

import pytest

from tests.benchmarks.connections import processes_behind
from tests.benchmarks.held_loop import longest_hold
from tests.benchmarks.usage import tree

WAIT = "import sys; sys.stdin.read()"
PARENT = (
    "import subprocess, sys; child = subprocess.Popen([sys.executable, '-c', sys.argv[1]]);"
    "print(child.pid, flush=True); child.wait()"
)
ACCEPT = (
    "import socket, sys; server = socket.create_server(('127.0.0.1', 0));"
    "print(server.getsockname()[1], flush=True); ends = [server.accept()];"
    "print(len(ends), flush=True); sys.stdin.read()"
)


def program(*arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def said(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.timeout(30)
def test_the_process_behind_a_connection_is_found() -> None:
    with program(ACCEPT) as server, program(WAIT) as other:
        with socket.create_connection(("127.0.0.1", said(server))) as ours:
            assert said(server) == 1, "it has taken the connection"
            found = processes_behind(os.getpid(), [other.pid, server.pid])
            key = (ours.getsockname()[1], ours.getpeername()[1])
        server.kill()
        other.kill()
    assert found[key] == server.pid


@pytest.mark.timeout(30)
def test_a_tree_has_the_children_of_children_but_for_a_branch_that_is_left_out() -> None:
    with program(PARENT, WAIT) as parent:
        child = said(parent)
        assert {parent.pid, child} <= set(tree(os.getpid()))
        assert tree(parent.pid) == [parent.pid, child]
        assert tree(parent.pid, without=child) == [parent.pid]
        assert not {parent.pid, child} & set(tree(os.getpid(), without=parent.pid))
        os.kill(child, 15)


def test_the_longest_hold_of_all_lines_is_told() -> None:
    lines = [
        '{"event": "serving"}',
        '{"event": "event loop held", "milliseconds": 21.5, "computing_milliseconds": 20.0}',
        '{"event": "event loop held", "milliseconds": 76.6, "computing_milliseconds": 1.5}',
        '{"event": "event loop held", "milliseconds": 3.0, "computing_milliseconds": 2.9}',
        "not JSON, from a library",
    ]
    assert longest_hold(lines) == (76.6, 1.5)


def test_no_line_of_a_hold_means_less_than_would_be_logged() -> None:
    assert longest_hold(['{"event": "serving"}']) == (1.0, 0.0)
