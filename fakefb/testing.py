"""Owns the fake as a library: run one inside a test's own event loop."""

from contextlib import AbstractAsyncContextManager

from fakefb.server import RunningFake, serving


def running_fake(*, seed: int = 0) -> AbstractAsyncContextManager[RunningFake]:
    """Run a fresh fake on free loopback ports until the `async with` block ends."""
    return serving(seed=seed)
