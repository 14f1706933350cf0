"""Owns the one exception that leaves this room, and how it is made."""

from typing import Final

from service.graph.answers import Answer
from service.graph.credentials import Credentials
from service.graph.usage import Usage
from service.graph.verdicts import Verdict

LIMITED_SECONDS_MIN: Final = 60.0
"""Shortest wait after a rate limit, in seconds (graph-contract §8.3)."""


class GraphFailure(Exception):
    """A Graph call that did not do what was asked, with the verdict on it.

    `message` is for people and holds no token, hash or identifier; `code` and `subcode` are
    Facebook's and None when it gave none; `http_status` is None when no answer came;
    `retry_after_s` is set with LIMITED only, in seconds.
    """

    def __init__(
        self,
        verdict: Verdict,
        *,
        message: str,
        code: int | None = None,
        subcode: int | None = None,
        trace_id: str = "",
        http_status: int | None = None,
        usage: Usage | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(f"{verdict}: {message}")
        self.verdict = verdict
        self.message = message
        self.code = code
        self.subcode = subcode
        self.trace_id = trace_id
        self.http_status = http_status
        self.usage = usage
        self.retry_after_s = retry_after_s


def refused(verdict: Verdict, answer: Answer, credentials: Credentials) -> GraphFailure:
    """Make the failure for an answer that is no success."""
    error = answer.error
    return GraphFailure(
        verdict,
        message=credentials.scrub(error.message) if error else "the answer is none of Graph's",
        code=error.code if error else None,
        subcode=error.subcode if error else None,
        trace_id=answer.trace_id,
        http_status=answer.http_status,
        usage=answer.usage,
        retry_after_s=_wait(answer.usage) if verdict is Verdict.LIMITED else None,
    )


def odd(answer: Answer, message: str, *, is_write: bool) -> GraphFailure:
    """Make the failure for a success that lacks what proves it."""
    return GraphFailure(
        Verdict.UNKNOWN_OUTCOME if is_write else Verdict.TRANSIENT,
        message=message,
        trace_id=answer.trace_id,
        http_status=answer.http_status,
        usage=answer.usage,
    )


def broken(what: str, *, was_sent: bool, is_write: bool) -> GraphFailure:
    """Make the failure for a call without an answer; `what` names the error, never its text."""
    if not was_sent:
        return GraphFailure(Verdict.NOT_SENT, message=f"Facebook cannot be reached: {what}")
    verdict = Verdict.UNKNOWN_OUTCOME if is_write else Verdict.TRANSIENT
    return GraphFailure(verdict, message=f"no whole answer came: {what}")


def _wait(usage: Usage | None) -> float:
    return max(LIMITED_SECONDS_MIN, usage.regain_access_s if usage else 0.0)
