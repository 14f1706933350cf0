"""The codes of findings, as the contract tells them."""

import re
from pathlib import Path

from service.diagnosis.findings import Code

CONTRACT = Path(__file__).parents[3] / "proto/audiencesync/v1/finding_code.proto"


def test_the_contract_tells_how_bad_each_code_is() -> None:
    """The first word of the comment before it."""
    told = re.findall(
        r"^  // (INFO|WARNING|ERROR)\b[^\n]*\n(?:  //[^\n]*\n)*  FINDING_CODE_(\w+) = \d+;",
        CONTRACT.read_text(),
        re.MULTILINE,
    )
    assert {code for _, code in told} == set(Code)
