"""The simulation notices when an invariant is broken, each once, on purpose."""

import pytest

from tests.simulation.campaign import Broken, play_many
from tests.simulation.events import histories
from tests.simulation.mutations import MUTATIONS, Mutation

SEED = 1
HISTORIES_MAX = 400


@pytest.mark.parametrize(
    "mutation", MUTATIONS, ids=[f"{m.invariant}: {m.mistake}" for m in MUTATIONS]
)
def test_a_broken_invariant_is_noticed(mutation: Mutation) -> None:
    with mutation.breakage(), pytest.raises(Broken):
        play_many(histories(mutation.events), seed_=SEED, most=HISTORIES_MAX, shrinks=False)


def test_every_invariant_of_the_design_is_broken_once() -> None:
    assert [mutation.invariant for mutation in MUTATIONS] == list(range(1, 11))
