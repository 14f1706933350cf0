"""Sends one plan: all removals are answered before the first addition goes out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from service.graph import Credentials
from service.metrics.instruments import count_rows
from service.store import syncs
from service.sync.account_gate import AccountGate
from service.sync.held import HeldAudience
from service.sync.log_reading import Operation
from service.sync.plan import Plan
from service.sync.single_call import may_be_unknown_yet
from service.sync.stops import Blocked, ComeBack, GaveUp
from service.sync.upload import Phase, PhaseOutcome, Uplink


@dataclass(frozen=True, slots=True)
class WindowOutcome:
    """What became of a plan's rows; `stop` is why some were not sent."""

    removals: PhaseOutcome
    additions: PhaseOutcome

    @property
    def stop(self) -> Blocked | GaveUp | ComeBack | None:
        return self.removals.stop or self.additions.stop

    @property
    def calls(self) -> int:
        return self.removals.calls + self.additions.calls

    @property
    def had_unknown_call(self) -> bool:
        return self.removals.had_unknown_call or self.additions.had_unknown_call

    @property
    def invalid(self) -> Counter[tuple[int, str]]:
        return self.removals.invalid + self.additions.invalid

    @property
    def unknown(self) -> int:
        return self.removals.unknown + self.additions.unknown


@dataclass(slots=True)
class Sender:
    """Sends plans for one sync and tells its progress."""

    held: HeldAudience
    credentials: Credentials
    sync_no: int
    _calls_told: int = field(default=0, init=False)
    _sessions_told: dict[Operation, int] = field(default_factory=dict, init=False)
    _throttled_told_s: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        self._throttled_told_s = self._gate.stopped_total_s()

    async def send(self, plan: Plan, *, planned_from: int) -> WindowOutcome:
        """Send a plan. An unknown outcome is noted before anything opposite may follow.

        Raises LeaseLost.
        """
        outcome = WindowOutcome(removals=PhaseOutcome(), additions=PhaseOutcome())
        self._calls_told = 0
        self._sessions_told = {}
        for operation, rows in (
            (Operation.REMOVE, plan.removals),
            (Operation.ADD, plan.additions),
        ):
            if rows and outcome.stop is None:
                outcome = await self._send_phase(operation, rows, outcome, plan, planned_from)
        return outcome

    async def _send_phase(
        self,
        operation: Operation,
        rows: Sequence[bytes],
        before: WindowOutcome,
        plan: Plan,
        planned_from: int,
    ) -> WindowOutcome:
        await self.held.wait_for_quiet(operation)

        def with_phase(phase: PhaseOutcome) -> WindowOutcome:
            if operation is Operation.REMOVE:
                return WindowOutcome(removals=phase, additions=before.additions)
            return WindowOutcome(removals=before.removals, additions=phase)

        async def on_progress(phase: PhaseOutcome) -> None:
            await self._tell_progress(with_phase(phase), plan)

        sending = Phase(self._uplink(), operation, on_progress=on_progress)
        at_once = self.held.context.limits.calls_in_flight
        outcome = with_phase(await sending.send(rows, at_once=at_once))
        self._count(operation, sending.outcome)
        if sending.outcome.had_unknown_call:
            await self.held.note_unknown_call(operation, planned_from=planned_from)
        return outcome

    def _count(self, operation: Operation, phase: PhaseOutcome) -> None:
        for outcome, rows in (
            ("accepted", phase.accepted),
            ("invalid", phase.rows_invalid),
            ("carried_over", len(phase.carried_over)),
            ("unknown", phase.unknown),
        ):
            count_rows(self.held.work.audience_id, operation.value.lower(), outcome, rows)

    async def _tell_progress(self, outcome: WindowOutcome, plan: Plan) -> None:
        new_calls = outcome.calls - self._calls_told
        self._calls_told = outcome.calls
        await self.held.write(
            syncs.progress_sync,
            sync_no=self.sync_no,
            open_rows_to_add=len(plan.additions),
            open_rows_to_remove=len(plan.removals),
            open_rows_added=outcome.additions.accepted,
            open_rows_removed=outcome.removals.accepted,
            calls_delta=new_calls,
            throttled_ms_delta=self._new_throttled_ms(),
            addition_session_ids=self._new_sessions(Operation.ADD, outcome.additions),
            removal_session_ids=self._new_sessions(Operation.REMOVE, outcome.removals),
        )

    def _new_sessions(self, operation: Operation, phase: PhaseOutcome) -> list[int]:
        told = self._sessions_told.get(operation, 0)
        new = phase.session_ids[told:]
        self._sessions_told[operation] = told + len(new)
        return new

    def _new_throttled_ms(self) -> int:
        """Milliseconds of a stop of the account since the last time; what is told is told once."""
        new_ms = int((self._gate.stopped_total_s() - self._throttled_told_s) * 1000)
        self._throttled_told_s += new_ms / 1000
        return new_ms

    @property
    def _gate(self) -> AccountGate:
        return self.held.context.gates.of(self.held.work.ad_account_id)

    def _uplink(self) -> Uplink:
        context, held = self.held.context, self.held
        if held.work.custom_audience_id is None:
            message = "nothing is sent before the Custom Audience exists"
            raise AssertionError(message)
        return Uplink(
            graph=context.graph,
            credentials=self.credentials,
            custom_audience_id=held.work.custom_audience_id,
            gate=self._gate,
            lease=held.lease,
            clock=context.clock,
            chance=context.chance,
            may_be_unknown_yet=may_be_unknown_yet(held),
        )
