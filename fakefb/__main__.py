"""Owns the command: starts one fake and says on standard output where it listens."""

import argparse
import asyncio
import json
import signal
import sys
from typing import Final

from fakefb.digits import whole_number
from fakefb.server import NotLoopback, serving

PORT_MAX: Final = 65_535


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    try:
        asyncio.run(_run(_arguments()))
    except (NotLoopback, OSError) as e:
        sys.exit(f"fakefb: {e}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="fakefb", description="A stand-in for Facebook.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--graph-port", type=_port, default=8082, help="0 = any free port")
    parser.add_argument("--admin-port", type=_port, default=8083, help="0 = any free port")
    parser.add_argument("--seed", type=int, default=0, help="of faults and ids (%(default)s)")
    mood = parser.add_mutually_exclusive_group()
    mood.add_argument(
        "--calm", action="store_false", dest="grumpy", help="nothing goes wrong by itself (default)"
    )
    mood.add_argument(
        "--grumpy", action="store_true", help="a few per cent of everything goes wrong"
    )
    parser.set_defaults(grumpy=False)
    parser.add_argument(
        "--allow-remote", action="store_true", help="let others than this machine in"
    )
    return parser.parse_args()


def _port(text: str) -> int:
    port = whole_number(text)
    if port is None or port > PORT_MAX:
        raise argparse.ArgumentTypeError(f"must be from 0 to {PORT_MAX}")
    return port


async def _run(arguments: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(
        host=arguments.host,
        graph_port=arguments.graph_port,
        admin_port=arguments.admin_port,
        seed=arguments.seed,
        grumpy=arguments.grumpy,
        allow_remote=arguments.allow_remote,
    ) as fake:
        addresses = {"graph_url": fake.graph_url, "admin_url": fake.admin_url}
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    main()
