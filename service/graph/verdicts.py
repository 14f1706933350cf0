"""Owns the one table that turns an answer of Facebook's into a verdict."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from service.graph.answers import Answer, GraphError


class Verdict(StrEnum):
    """What a call that did not succeed means for whoever made it."""

    TRANSIENT = "TRANSIENT"
    """Not done; the same call may work soon."""
    NOT_SENT = "NOT_SENT"
    """Facebook was never reached, so nothing can have happened."""
    UNKNOWN_OUTCOME = "UNKNOWN_OUTCOME"
    """A write that may have been done, may not, and may still be."""
    LIMITED = "LIMITED"
    """Too many calls; none may be made before the wait is over."""
    TOKEN = "TOKEN"  # noqa: S105 - a name, no secret
    """The token, or the proof beside it, is not accepted any more."""
    PERMISSION = "PERMISSION"
    """The token is fine and may not do this; a person must change something."""
    TERMS = "TERMS"
    """Terms are not accepted, or the account lacks its business."""
    FLAGGED = "FLAGGED"
    """Facebook has flagged the audience and takes no changes to it."""
    GONE = "GONE"
    """The object does not exist, or this token cannot see it."""
    BUSY = "BUSY"
    """Another update of the audience is under way; it passes in minutes."""
    NOT_READY = "NOT_READY"
    """The object was made a moment ago and is not known everywhere; it passes in seconds."""
    TOO_SMALL = "TOO_SMALL"
    """The removal would leave too few people."""
    MODE_LOCKED = "MODE_LOCKED"
    """The audience was filled by single-key uploads and takes no other kind."""
    POLICY = "POLICY"
    """Facebook blocks the account for its conduct; calling on makes it worse."""
    TOO_LARGE = "TOO_LARGE"
    """The request is too big; half of it may pass."""
    REJECTED = "REJECTED"
    """This request will never pass as it is."""


class Shape(StrEnum):
    """What kind of answer a rule is about."""

    ERROR = "ERROR"
    """Graph's JSON error envelope with a code: an answer."""
    ODD = "ODD"
    """A page, half an answer, `success: false`, or JSON that says neither yes nor no."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the table. A condition left out holds for every answer.

    `phrase` is looked for in the lower-cased message; used only where Graph has no code of its own.
    """

    verdict: Verdict
    source: str
    shape: Shape | None = Shape.ERROR
    http_statuses: Collection[int] | None = None
    codes: Collection[int] | None = None
    subcodes: Collection[int | None] | None = None
    phrase: str = ""
    is_transient: bool | None = None
    is_write: bool | None = None

    def holds(self, answer: Answer, *, is_write: bool) -> bool:
        """Whether every condition of this row is met."""
        shape = Shape.ODD if answer.error is None else Shape.ERROR
        return (
            self.shape in (None, shape)
            and self.is_write in (None, is_write)
            and (self.http_statuses is None or answer.http_status in self.http_statuses)
            and (answer.error is None or self._holds_for_error(answer.error))
        )

    def _holds_for_error(self, error: GraphError) -> bool:
        return (
            (self.codes is None or error.code in self.codes)
            and (self.subcodes is None or error.subcode in self.subcodes)
            and self.phrase in error.message.lower()
            and self.is_transient in (None, error.is_transient)
        )


TABLE: Final[tuple[Rule, ...]] = (
    # By HTTP status alone: refused at the door, with or without an envelope.
    Rule(
        verdict=Verdict.TOO_LARGE,
        source="§5.2 (edge failures of oversized uploads; the statuses are HTTP's own)",
        shape=None,
        http_statuses=(413, 414),
    ),
    Rule(
        verdict=Verdict.LIMITED,
        source="§7.3, §13 (429 in a mock)",
        shape=None,
        http_statuses=(429,),
    ),
    # No envelope: whatever the status says, it proves nothing.
    Rule(verdict=Verdict.UNKNOWN_OUTCOME, source="§3.2", shape=Shape.ODD, is_write=True),
    Rule(verdict=Verdict.TRANSIENT, source="§3.2", shape=Shape.ODD, is_write=False),
    # Known to need something better than the same call at once, even where `is_transient` is true.
    Rule(
        verdict=Verdict.LIMITED,
        source="§7.3, §8",
        codes=frozenset({4, 17, 32, 613, *range(80000, 80007), 80008}),
    ),
    Rule(verdict=Verdict.POLICY, source="§7.3", codes=(368, 1404078, 1404163)),
    Rule(
        verdict=Verdict.BUSY,
        source="§5.7",
        codes=(2650,),
        subcodes=(1870145, 1870147, 1870148, 1870158, 1870159),
    ),
    Rule(
        verdict=Verdict.MODE_LOCKED, source="§5.8", codes=(2650,), phrase="not support data source"
    ),
    Rule(verdict=Verdict.NOT_READY, source="§5.6, §7.3", codes=(803,)),
    Rule(verdict=Verdict.TOO_LARGE, source="§5.2, §7.3", codes=(1,), subcodes=(99,)),
    Rule(verdict=Verdict.TOO_LARGE, source="§5.2, §7.3", codes=(105,)),
    Rule(verdict=Verdict.TOO_SMALL, source="§7.3, §8.4", codes=(200,), subcodes=(1870047,)),
    # Facebook's own word that it passes.
    Rule(verdict=Verdict.TRANSIENT, source="§7.1, §7.4", is_transient=True),
    Rule(verdict=Verdict.TRANSIENT, source="§7.3", codes=(1, 2, 341, 960, 5000)),
    # The account, its token and its terms.
    Rule(verdict=Verdict.TOKEN, source="§7.3", codes=(102, 104, 190)),
    Rule(verdict=Verdict.TOKEN, source="§7.3, §9", codes=(100,), phrase="appsecret_proof"),
    Rule(verdict=Verdict.TOKEN, source="§7.3, §9", codes=(2500,), phrase="access token"),
    Rule(verdict=Verdict.TERMS, source="§4.8, §7.3", subcodes=(1870034, 1870050, 1870090, 1870092)),
    Rule(verdict=Verdict.TERMS, source="§4.8, §7.3", codes=(2655, 2663, 2664)),
    Rule(
        verdict=Verdict.FLAGGED,
        source="§7.3, §11 row 7",
        codes=(100,),
        subcodes=(1713098, *range(1713228, 1713233)),
    ),
    Rule(verdict=Verdict.GONE, source="§4.2, §7.3", codes=(100,), subcodes=(33,)),
    Rule(verdict=Verdict.PERMISSION, source="§7.3", codes=frozenset({3, 10, *range(200, 300)})),
    Rule(verdict=Verdict.PERMISSION, source="§4.1, §7.3", codes=(2654,), subcodes=(1713092,)),
    # A dead API version refuses every call alike; only an operator can change the version.
    Rule(verdict=Verdict.PERMISSION, source="§7.3, §10", codes=(2635,)),
    # What nobody has described.
    Rule(verdict=Verdict.TRANSIENT, source="§7.4", http_statuses=range(500, 600)),
    Rule(verdict=Verdict.REJECTED, source="§7.4"),
)
"""Read from the top; the first row whose conditions hold decides. Sources: graph-contract."""


def judge(answer: Answer, *, is_write: bool) -> Verdict | None:
    """Judge an answer; None when Facebook claims success, which the reader must still prove."""
    if answer.is_success:
        return None
    return next(rule.verdict for rule in TABLE if rule.holds(answer, is_write=is_write))
