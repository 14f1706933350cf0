"""Judges the configured keys that seal tokens and app secrets."""

from collections.abc import Collection, Iterator, Sequence

from service.diagnosis.findings import Code, Finding, Severity
from service.store.diagnosis_rows import SealingKeyUse


def judge_keys(
    uses: Sequence[SealingKeyUse], *, configured: Collection[str], sealing_id: str
) -> Iterator[Finding]:
    """Which keys are there for nothing, or not for long; who needs a missing one is told by account."""
    used = {use.key_id: use.secret_count for use in uses}
    for key_id, count in sorted(used.items()):
        if key_id in configured and key_id != sealing_id:
            yield _old(key_id, count, sealing_id)
    for key_id in sorted(set(configured) - used.keys() - {sealing_id}):
        yield Finding(
            code=Code.SEALING_KEY_UNUSED,
            severity=Severity.INFO,
            message=f"The sealing key {key_id} seals nothing.",
            action="Put it first if it is the new one; take it out if it is an old one.",
            evidence={"key_id": key_id},
        )


def _old(key_id: str, count: int, sealing_id: str) -> Finding:
    return Finding(
        code=Code.SEALED_WITH_OLD_KEY,
        severity=Severity.INFO,
        message=f"Secrets are still sealed with the key {key_id}, not with {sealing_id}.",
        action="Run `audience-sync rotate-keys` before the old key is taken away.",
        evidence={"key_id": key_id, "secrets": str(count)},
    )
