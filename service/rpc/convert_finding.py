"""Converts findings to the contract."""

from audiencesync.v1 import audience_sync_pb2 as pb
from audiencesync.v1 import finding_code_pb2

from service.diagnosis.findings import Finding


def finding_message(finding: Finding) -> pb.Finding:
    """Convert a finding."""
    return pb.Finding(
        severity=pb.Finding.Severity.Value(f"SEVERITY_{finding.severity.name}"),
        code=finding_code_pb2.FindingCode.Value(f"FINDING_CODE_{finding.code}"),
        ad_account_id=finding.ad_account_id,
        audience_id=finding.audience_id,
        message=finding.message,
        action=finding.action,
        evidence=finding.evidence,
    )
