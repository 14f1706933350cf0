"""Reading of request messages."""

import pytest
from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.decoding import LONG_BYTES, DecodeRequests
from tests.unit.rpc.builders import an_add, an_update
from tests.unit.rpc.clocks import counted_turns


@pytest.mark.parametrize(("characters", "gives_way"), [(1, False), (LONG_BYTES, True)])
async def test_what_takes_long_to_decode_is_all_that_is_done_in_its_turn(
    *, characters: int, gives_way: bool
) -> None:
    request = an_update(an_add("m" * characters))
    with counted_turns() as turns:
        decoded = await DecodeRequests().let_in(
            request.SerializeToString(), pb.UpdateMembershipRequest.FromString
        )
        assert (turns.count > 0) == gives_way
    assert decoded == request
