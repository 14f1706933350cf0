"""Owns upload sessions: what callers say of them and what the sessions edge tells."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fakefb import graph_errors
from fakefb.digits import whole_number

SESSION_ID_MAX: Final = 2**63 - 1
SESSIONS_KEPT_MAX: Final = 10_000
"""Sessions of one audience that are remembered; the oldest go first."""


@dataclass(frozen=True, slots=True)
class SessionClaim:
    """What a call says of its session."""

    session_id: str
    is_last: bool
    batch_seq: int | None = None


@dataclass(slots=True)
class Session:
    """Progress of one session; times in Unix seconds, 0 = not ended."""

    session_id: str
    start_time: int
    end_time: int = 0
    num_received: int = 0
    num_invalid: int = 0
    num_matched: int = 0
    """People found, counted anew for each call."""

    @property
    def stage(self) -> str:
        return "done" if self.end_time else "uploading"

    def record(self, now: float, *, count_delay_s: float = 0.0) -> dict[str, str]:
        """Return the entry of the sessions edge; every value is text.

        `count_delay_s`: seconds from the end of a session until its matches are known.
        """
        done = self.end_time > 0
        counted = done and now >= self.end_time + count_delay_s
        return {
            "session_id": self.session_id,
            "start_time": str(self.start_time),
            "end_time": str(self.end_time),
            "num_received": str(self.num_received),
            "num_matched": str(self.num_matched) if counted else "-1",
            "num_invalid_entries": str(self.num_invalid),
            "progress": "100" if done else "0",
            "stage": self.stage,
        }


class Sessions:
    """The sessions of one audience, oldest first."""

    def __init__(self) -> None:
        self.by_id: dict[str, Session] = {}

    def take(
        self, claim: SessionClaim, *, received: int, invalid: int, matched: int, now: float
    ) -> Session:
        """Count one call into its session."""
        session = self.by_id.get(claim.session_id)
        if session is None:
            session = self.by_id[claim.session_id] = Session(claim.session_id, int(now))
            if len(self.by_id) > SESSIONS_KEPT_MAX:
                del self.by_id[next(iter(self.by_id))]
        session.num_received += received
        session.num_invalid += invalid
        session.num_matched += matched
        if claim.is_last:
            session.end_time = int(now)
        return session


def read_session(value: object) -> SessionClaim:
    """Read the `session` parameter.

    Raises: GraphError 100 when an id, a number or the flag is not what it should be.
    """
    if not isinstance(value, Mapping):
        raise graph_errors.bad_parameter("session must be an object")
    session_id = _whole(value, "session_id", SESSION_ID_MAX)
    if session_id is None:
        raise graph_errors.bad_parameter("session must have a session_id")
    batch_seq = _whole(value, "batch_seq", SESSION_ID_MAX)
    _whole(value, "estimated_num_total", SESSION_ID_MAX)
    flag = value.get("last_batch_flag", False)
    if flag not in (True, False, "true", "false"):
        raise graph_errors.bad_parameter("last_batch_flag must be a boolean")
    return SessionClaim(str(session_id), flag in (True, "true"), batch_seq)


def invented_session(audience_id: str, verb: str, schema: object) -> SessionClaim:
    """Return the stable session of calls that name none: one for each schema and verb."""
    seed = f"{audience_id} {verb} {schema}".encode()
    number = int.from_bytes(hashlib.sha256(seed).digest()[:7], "big")
    return SessionClaim(str(number), is_last=False)


def _whole(session: Mapping[str, object], name: str, largest: int) -> int | None:
    value = session.get(name)
    if value is None:
        return None
    if isinstance(value, str):
        value = whole_number(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= largest:
        raise graph_errors.bad_parameter(f"session.{name} must be a positive 64-bit integer")
    return value
