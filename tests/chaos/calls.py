"""Calls that are repeated until they are answered, by whichever replica answers."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

import grpc
from audiencesync.v1.audience_sync_pb2_grpc import AudienceSyncServiceStub
from google.protobuf.message import Message

from tests.chaos.processes import Replica

AnswerT = TypeVar("AnswerT", bound=Message)

CALL_S_MAX: Final = 3.0
"""Seconds that an answer is waited for before the other replica is asked."""
ANSWER_S_MAX: Final = 90.0
"""Seconds until somebody must have answered, whatever goes on."""
PAUSE_S: Final = 0.1
"""Seconds between two tries."""
AGAIN: Final = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
    grpc.StatusCode.RESOURCE_EXHAUSTED,
}
"""What a caller may be told while a process is dying; anything else is a finding."""


class Unanswered(Exception):
    """A call was tried for too long."""


class Refused(Exception):
    """The service said no, for a reason that does not pass by itself."""

    def __init__(self, code: grpc.StatusCode, details: str) -> None:
        super().__init__(f"{code.name}: {details}")
        self.code = code


@dataclass
class Line:
    """A caller's way to the service: replicas, chance, and what was met on the way."""

    replicas: list[Replica]
    chance: random.Random
    findings: list[str] = field(default_factory=list)
    tries: Counter[str] = field(default_factory=Counter)
    """Tries by what came of them."""

    def ask(
        self,
        method: Callable[[AudienceSyncServiceStub], Callable[..., AnswerT]],
        request: Message,
        *,
        answer_s_max: float = ANSWER_S_MAX,
    ) -> AnswerT:
        """Repeat a call until it is answered.

        Raises: Refused, Unanswered.
        """
        deadline = time.monotonic() + answer_s_max
        turn = self.chance.randrange(len(self.replicas))
        while time.monotonic() < deadline:
            replica = self.replicas[turn % len(self.replicas)]
            try:
                answer = method(replica.stub)(request, timeout=CALL_S_MAX)
            except grpc.RpcError as error:
                self._note(error, method, replica)
            except ValueError:  # the channel was closed under our hands: the replica starts anew
                self.tries["closed"] += 1
            else:
                self.tries["answered"] += 1
                return answer
            turn += 1
            threading.Event().wait(PAUSE_S)
        raise Unanswered(f"{type(request).__name__} not answered for {answer_s_max:.0f} s")

    def _note(self, error: Any, method: object, replica: Replica) -> None:
        code, details = error.code(), error.details() or ""
        self.tries[code.name] += 1
        if code is grpc.StatusCode.FAILED_PRECONDITION:
            raise Refused(code, details) from None
        if code not in AGAIN:
            self.findings.append(f"{replica.name} answered {code.name}: {details}")
