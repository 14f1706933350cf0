"""Owns the fake as a library: in a test's own event loop, or in a thread beside it."""

from contextlib import AbstractAsyncContextManager

from fakefb.remote import FakeFacebook, FakeRefused
from fakefb.server import RunningFake, serving
from fakefb.threaded import fake_in_thread

__all__ = ["FakeFacebook", "FakeRefused", "RunningFake", "fake_in_thread", "running_fake"]


def running_fake(
    *, seed: int = 0, grumpy: bool = False
) -> AbstractAsyncContextManager[RunningFake]:
    """Run a fresh fake on free loopback ports until the `async with` block ends.

    `seed` rules ids and chance; a grumpy fake lets a few per cent of everything go wrong.
    """
    return serving(seed=seed, grumpy=grumpy)
