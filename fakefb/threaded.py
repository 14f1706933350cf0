"""Owns the fake in a thread: an event loop of its own, so that any test can use it."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from fakefb.remote import FakeFacebook
from fakefb.server import serving


@contextmanager
def fake_in_thread(*, seed: int = 0, grumpy: bool = False) -> Iterator[FakeFacebook]:
    """Run a fresh fake on free loopback ports until the `with` block ends."""
    ready: Future[tuple[FakeFacebook, Callable[[], object]]] = Future()

    async def run() -> None:
        ending = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with serving(seed=seed, grumpy=grumpy) as fake:
            remote = FakeFacebook(fake.graph_url, fake.admin_url)
            ready.set_result((remote, lambda: loop.call_soon_threadsafe(ending.set)))
            await ending.wait()

    def run_thread() -> None:
        try:
            asyncio.run(run())
        except Exception as e:
            if ready.done():
                raise
            ready.set_exception(e)

    # A test run that is broken off must not wait for the fake.
    thread = threading.Thread(target=run_thread, name="fakefb", daemon=True)
    thread.start()
    fake, end = ready.result()
    try:
        yield fake
    finally:
        end()
        thread.join()
