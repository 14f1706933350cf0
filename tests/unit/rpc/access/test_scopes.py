"""Every call of the contract has a scope, in code and in the comments that callers read."""

import re
from pathlib import Path

from audiencesync.v1 import audience_sync_pb2 as pb

from service.rpc.access.scopes import SCOPE_OF_METHOD, Scope

ROOT = Path(__file__).parents[4]
CONTRACT = ROOT / "proto/audiencesync/v1/audience_sync.proto"
README = ROOT / "README.md"
METHODS = pb.DESCRIPTOR.services_by_name["AudienceSyncService"].methods


def test_every_method_of_the_contract_has_a_scope_and_no_other_has() -> None:
    assert {method.name for method in METHODS} == set(SCOPE_OF_METHOD)


def test_the_contract_tells_the_scope_of_every_method() -> None:
    told = {
        method: scope
        for scope, method in re.findall(
            r"^  // Scope: (\w+)\.\n  rpc (\w+)\(", CONTRACT.read_text(), re.MULTILINE
        )
    }
    assert told == {name: str(scope) for name, scope in SCOPE_OF_METHOD.items()}


def test_readme_tells_what_each_scope_opens() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| (`.*?)(?:, and reflection)? \|$", README.read_text(), re.MULTILINE
    )
    told = {
        method: scope
        for scope, methods in rows
        if scope in set(Scope)
        for method in re.findall(r"`(\w+)`", methods)
    }
    assert told == {name: str(scope) for name, scope in SCOPE_OF_METHOD.items()}
