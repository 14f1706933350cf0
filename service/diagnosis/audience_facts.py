"""What is known of an audience when it is judged, and how its findings are made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

from service.diagnosis.findings import Code, Finding, Severity
from service.diagnosis.sample import RowSample
from service.graph.objects import CustomAudience
from service.store.diagnosis_rows import AudienceSigns, DroppedSigns
from service.store.rows import Audience

NO_SAMPLE: Final = RowSample()


@dataclass(frozen=True, kw_only=True)
class AudienceFacts:
    """An audience, how it has fared, a sample of its rows, and what callers sent in vain.

    `at_facebook`: what Facebook says of it now, None where it was not asked.
    """

    stored: Audience
    signs: AudienceSigns
    now: datetime
    at_facebook: CustomAudience | None = None
    sample: RowSample = NO_SAMPLE
    dropped: Sequence[DroppedSigns] = ()

    @cached_property
    def matchable_count(self) -> int:
        """Members who have something that could find them."""
        return self.stored.member_count - self.stored.unmatchable_count

    def finding(
        self,
        code: Code,
        severity: Severity,
        message: str,
        action: str,
        evidence: Mapping[str, str] | None = None,
    ) -> Finding:
        """A finding about this audience."""
        return Finding(
            code=code,
            severity=severity,
            message=message,
            action=action,
            evidence=evidence or {},
            ad_account_id=self.stored.ad_account_id,
            audience_id=self.stored.audience_id,
        )
