"""Hostile histories: whatever happens, the audience ends as it must and every rule holds.

`python -m tests.simulation --histories N` plays more of them.
"""

import pytest

from tests.simulation.campaign import HISTORIES_IN_CI, PARTS, play_many
from tests.simulation.events import CALM_EVENTS, EVENTS, histories

SEED = 20_261_127
"""In CI the same histories are played each time, so that it fails for a change and not by chance."""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", range(PARTS))
def test_every_hostile_history_converges(part: int) -> None:
    most = HISTORIES_IN_CI // PARTS
    assert play_many(histories(EVENTS), seed_=SEED + part, most=most).count >= most


def test_every_orderly_history_converges() -> None:
    assert play_many(histories(CALM_EVENTS), seed_=SEED, most=100).count >= 100
