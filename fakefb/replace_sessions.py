"""Owns the life of replace sessions: opened by batch 1, ended by the last batch or by the clock."""

import enum
from dataclasses import dataclass, field
from typing import Final

from fakefb import audience_errors
from fakefb.graph_errors import GraphError
from fakefb.sessions import SessionClaim

REPLACE_S: Final = 90 * 60
"""Seconds from the first batch to the end of a session, whatever has arrived."""
ENDED_KEPT_MAX: Final = 1_000
"""Ended sessions of one audience that are remembered; the oldest go first."""

IN_PROGRESS: Final = 414
FAILED: Final = 415


class ReplaceEnd(enum.StrEnum):
    """How a session ended."""

    FINISHED = "finished"
    TIMED_OUT = "timed_out"
    FAILED = "failed"

    def refusal(self) -> GraphError:
        """Return what a further batch of the session gets."""
        match self:
            case ReplaceEnd.FINISHED:
                return audience_errors.replace_finished()
            case ReplaceEnd.TIMED_OUT:
                return audience_errors.replace_timed_out()
            case ReplaceEnd.FAILED:
                return audience_errors.replace_failed()


@dataclass(slots=True)
class ReplaceSession:
    """One session; `opened_at` in Unix seconds."""

    session_id: str
    opened_at: float
    schema: tuple[str, ...]
    end: ReplaceEnd | None = None

    def end_at(self, now: float) -> ReplaceEnd | None:
        """Return how the session has ended by now, None while it is open."""
        if self.end is None and now >= self.opened_at + REPLACE_S:
            return ReplaceEnd.TIMED_OUT
        return self.end


@dataclass(slots=True)
class Replaces:
    """The latest replace session of one audience, and how earlier ones ended."""

    latest: ReplaceSession | None = None
    ended: dict[str, ReplaceEnd] = field(default_factory=dict)

    def in_progress(self, now: float) -> bool:
        """Tell whether a session is open."""
        return self.latest is not None and self.latest.end_at(now) is None

    def operation_code(self, now: float) -> int | None:
        """Return 414 while a session is open, 415 after one that was not finished, else None."""
        if self.latest is None:
            return None
        end = self.latest.end_at(now)
        if end is None:
            return IN_PROGRESS
        return None if end is ReplaceEnd.FINISHED else FAILED

    def opens(self, claim: SessionClaim, schema: tuple[str, ...], now: float) -> bool:
        """Tell whether a batch opens a session (True) or belongs to the open one (False).

        A batch with another schema than the first one's fails the open session.

        Raises: GraphError 2650 for a batch that can do neither.
        """
        latest = self.latest
        if latest is not None and latest.end_at(now) is None:
            if claim.session_id != latest.session_id or claim.batch_seq == 1:
                raise audience_errors.update_in_progress()
            if schema != latest.schema:
                latest.end = ReplaceEnd.FAILED
                raise audience_errors.replace_failed()
            return False
        self._refuse_ended(claim.session_id, now)
        if claim.batch_seq != 1:
            raise audience_errors.first_batch_missing()
        return True

    def open(self, session_id: str, schema: tuple[str, ...], now: float) -> None:
        """Begin a session; what `opens` says has been heard."""
        if self.latest is not None:
            self.ended[self.latest.session_id] = self.latest.end_at(now) or ReplaceEnd.FAILED
            if len(self.ended) > ENDED_KEPT_MAX:
                del self.ended[next(iter(self.ended))]
        self.latest = ReplaceSession(session_id, now, schema)

    def finish(self) -> None:
        """End the open session: its last batch has come."""
        if self.latest is not None:
            self.latest.end = ReplaceEnd.FINISHED

    def _refuse_ended(self, session_id: str, now: float) -> None:
        if self.latest is not None and self.latest.session_id == session_id:
            end = self.latest.end_at(now)
        else:
            end = self.ended.get(session_id)
        if end is not None:
            raise end.refusal()
