"""What makes two requests the same."""

import asyncio
import hashlib

import pytest

from service.rpc.request_ids import DIGEST_BYTES_AT_ONCE, Repeatable, repeatable
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


@pytest.mark.parametrize(("changes", "threads"), [(1, 0), (1_000, 1)])
async def test_only_a_long_request_is_digested_in_a_thread_and_to_the_same_end(
    changes: int, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_over = []

    async def noted(function: object, *arguments: bytes) -> bytes:
        handed_over.append(function)
        return hashlib.sha256(*arguments).digest()

    monkeypatch.setattr(asyncio, "to_thread", noted)
    members = (f"{number}@{'x' * 60}.example" for number in range(changes))
    request = an_update(*(an_add(member) for member in members))
    assert (request.ByteSize() > DIGEST_BYTES_AT_ONCE) == bool(threads)
    call = await repeatable("UpdateMembership", request, "r1")
    assert call.digest == hashlib.sha256(request.SerializeToString(deterministic=True)).digest()
    assert len(handed_over) == threads
