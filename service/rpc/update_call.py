"""One call of UpdateMembership on its way: what it asks for."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final, Self

from audiencesync.v1 import audience_sync_pb2 as pb

from service.clock import Clock
from service.identifiers.column_values import ColumnValues
from service.rpc.convert_dropped import dropped_messages
from service.rpc.prepare_changes import Newest, PreparedChanges, newest_changes, prepare_newest
from service.rpc.request_ids import Repeatable
from service.rpc.slices import Slices
from service.store.rows import MergeResult

SMALL_CHANGES_MAX: Final = 10
"""Changes of a call that may be prepared together with others once it is their turn."""


@dataclass(frozen=True, slots=True, eq=False)
class UpdateCall:
    """A call that knows its members. A long one is prepared `ahead`, for the region that it found."""

    request: pb.UpdateMembershipRequest
    repeatable: Repeatable
    newest: Newest
    ahead: PreparedChanges | None = None

    @property
    def request_id(self) -> str:
        return self.repeatable.request_id

    @property
    def member_keys(self) -> Collection[bytes]:
        return self.newest.keys()

    @property
    def is_small(self) -> bool:
        return len(self.newest) <= SMALL_CHANGES_MAX

    @classmethod
    async def read(
        cls, request: pb.UpdateMembershipRequest, repeatable: Repeatable, *, clock: Clock
    ) -> Self:
        """Raises: InvalidField for a time that is none."""
        newest = await newest_changes(request, clock.now(), Slices(clock.monotonic))
        return cls(request, repeatable, newest)

    async def prepared_ahead(self, default_region: str, clock: Clock) -> Self:
        """The same call, normalised and hashed before it waits for its turn."""
        return replace(self, ahead=await self.prepare(default_region, clock))

    async def prepare(self, default_region: str, clock: Clock) -> PreparedChanges:
        """Normalise and hash, unless that was done ahead for this region."""
        if self.ahead is not None and self.ahead.default_region == default_region:
            return self.ahead
        values = ColumnValues(default_region=default_region, this_year=clock.now().year)
        slices, count = Slices(clock.monotonic), len(self.request.changes)
        return await prepare_newest(self.newest, count, values=values, slices=slices)


def answer_of(merged: MergeResult, prepared: PreparedChanges) -> pb.UpdateMembershipResponse:
    """Tell what was merged and what was noticed on the way."""
    return pb.UpdateMembershipResponse(
        revision=merged.revision,
        changed_count=merged.changed_count,
        unchanged_count=merged.unchanged_count + prepared.overtaken,
        unmatchable_count=prepared.unmatchable,
        dropped_identifiers=dropped_messages(prepared.dropped),
        unknown_trait_count=prepared.unknown_traits,
    )
