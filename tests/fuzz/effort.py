"""How hard to try: CI tries a little every time, `FUZZ_TIMES=50 ./run pytest tests/fuzz` a lot."""

import os
from typing import Final

from hypothesis import HealthCheck, Phase, settings

TIMES: Final = int(os.environ.get("FUZZ_TIMES", "1"))
"""How many times the examples of CI."""

TEST_SECONDS_MAX: Final = 40 * TIMES


def effort(examples: int) -> settings:
    """Settings for so many examples in CI.

    Nothing is shrunk: that takes minutes here, and the time-out would hide the example.
    """
    return settings(
        max_examples=examples * TIMES,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
        suppress_health_check=[
            HealthCheck.function_scoped_fixture,
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
        ],
    )
