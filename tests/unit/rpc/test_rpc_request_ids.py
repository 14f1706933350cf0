"""What makes two requests the same."""

from service.rpc.request_ids import Repeatable, repeatable
from tests.unit.rpc.builders import an_add, an_update


async def test_the_order_of_traits_does_not_make_another_request() -> None:
    traits = {f"trait{n}": str(n) for n in range(50)}
    backwards = dict(reversed(traits.items()))
    one = await repeatable("UpdateMembership", an_update(an_add(traits=traits)), "r1")
    other = await repeatable("UpdateMembership", an_update(an_add(traits=backwards)), "r1")
    assert one == other


async def test_the_order_of_changes_makes_another_request() -> None:
    one = await repeatable("UpdateMembership", an_update(an_add("a"), an_add("b")), "r1")
    other = await repeatable("UpdateMembership", an_update(an_add("b"), an_add("a")), "r1")
    assert one.digest != other.digest


async def test_a_call_without_an_id_is_not_kept() -> None:
    call = await repeatable("UpdateMembership", an_update(an_add()), "")
    assert call == Repeatable("UpdateMembership", "", b"")
