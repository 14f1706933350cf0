"""One call of UpdateMembership on its way: what it asks for, normalised and hashed."""

from dataclasses import dataclass, field
from typing import Self

from audiencesync.v1 import audience_sync_pb2 as pb

from service.clock import Clock
from service.identifiers.column_values import ColumnValues
from service.rpc.convert_dropped import dropped_messages
from service.rpc.prepare_changes import PreparedChanges, prepare_changes
from service.rpc.request_ids import Repeatable
from service.rpc.slices import Slices
from service.store.rows import MergeResult


@dataclass(frozen=True, slots=True, eq=False)
class UpdateCall:
    """A call that is ready to be merged, if the region still holds."""

    request: pb.UpdateMembershipRequest
    repeatable: Repeatable
    prepared: PreparedChanges
    member_keys: frozenset[bytes] = field(init=False)

    def __post_init__(self) -> None:
        keys = frozenset(change.member_key for change in self.prepared.changes)
        object.__setattr__(self, "member_keys", keys)

    @property
    def request_id(self) -> str:
        return self.repeatable.request_id

    @classmethod
    async def prepare(
        cls,
        request: pb.UpdateMembershipRequest,
        repeatable: Repeatable,
        *,
        default_region: str,
        clock: Clock,
    ) -> Self:
        """Normalise and hash. Raises: InvalidField for a time that is none."""
        now = clock.now()
        values = ColumnValues(default_region=default_region, this_year=now.year)
        slices = Slices(clock.monotonic)
        prepared = await prepare_changes(request, values=values, now=now, slices=slices)
        return cls(request, repeatable, prepared)

    async def in_region(self, default_region: str, clock: Clock) -> "UpdateCall":
        """The same call, prepared once more where it was not for this region."""
        if self.prepared.default_region == default_region:
            return self
        return await self.prepare(
            self.request, self.repeatable, default_region=default_region, clock=clock
        )

    def answer(self, merged: MergeResult) -> pb.UpdateMembershipResponse:
        """Tell what was merged and what was noticed on the way."""
        prepared = self.prepared
        return pb.UpdateMembershipResponse(
            revision=merged.revision,
            changed_count=merged.changed_count,
            unchanged_count=merged.unchanged_count + prepared.overtaken,
            unmatchable_count=prepared.unmatchable,
            dropped_identifiers=dropped_messages(prepared.dropped),
            unknown_trait_count=prepared.unknown_traits,
        )
