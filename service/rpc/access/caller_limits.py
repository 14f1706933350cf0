"""How much one caller may do: calls a second, calls at once, streams at once. Pure: time is passed in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from service.rpc.errors import CallerOverLimit

BURST_SECONDS: Final = 2.0
"""A caller who was quiet may call at once what would else take so long."""
AT_ONCE_RETRY_SECONDS: Final = 1.0
"""Seconds that a caller with too many calls at once is asked to wait."""
KNOWN_MAX: Final = 2_000
"""Callers that are remembered; those who could call as if they were new are forgotten beyond it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallerBounds:
    """What each caller may do in this process."""

    calls_per_second: float = 500.0
    calls_at_once: int = 200
    streams_at_once: int = 50
    """Of the calls at once, those with a stream of requests or answers."""


@dataclass(slots=True)
class _Use:
    """What a caller uses now. `left`: calls that may come at once, as it was at `at`."""

    left: float
    at: float
    calls: int = 0
    streams: int = 0


class CallerLimits:
    """Lets calls in by their callers' names."""

    def __init__(self, bounds: CallerBounds) -> None:
        self._bounds = bounds
        self._burst = max(1.0, bounds.calls_per_second * BURST_SECONDS)
        self._uses: dict[str, _Use] = {}

    @property
    def known(self) -> int:
        """Callers that are remembered."""
        return len(self._uses)

    def admit(self, name: str, now: float, *, is_stream: bool) -> Callable[[], None]:
        """Count a call in; what is returned counts it out again. Raises: CallerOverLimit."""
        use = self._uses.get(name)
        if use is None:
            if len(self._uses) >= KNOWN_MAX:
                self._forget_idle(now)
            use = self._uses[name] = _Use(self._burst, now)
        self._refill(use, now)
        self._check(use, is_stream=is_stream)
        use.left -= 1
        use.calls += 1
        use.streams += is_stream

        def leave() -> None:
            use.calls -= 1
            use.streams -= is_stream

        return leave

    def _refill(self, use: _Use, now: float) -> None:
        gained = max(0.0, now - use.at) * self._bounds.calls_per_second
        use.left = min(self._burst, use.left + gained)
        use.at = now

    def _check(self, use: _Use, *, is_stream: bool) -> None:
        bounds = self._bounds
        if use.left < 1:
            retry_after_s = (1 - use.left) / bounds.calls_per_second
            raise CallerOverLimit(why="calls a second", retry_after_s=retry_after_s)
        if use.calls >= bounds.calls_at_once:
            raise CallerOverLimit(why="calls at once", retry_after_s=AT_ONCE_RETRY_SECONDS)
        if is_stream and use.streams >= bounds.streams_at_once:
            raise CallerOverLimit(why="streams at once", retry_after_s=AT_ONCE_RETRY_SECONDS)

    def _forget_idle(self, now: float) -> None:
        """Forget whom nothing is held against: they are as new."""
        for name, use in list(self._uses.items()):
            self._refill(use, now)
            if not use.calls and use.left >= self._burst:
                del self._uses[name]
