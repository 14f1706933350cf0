"""What a caller may do: four scopes, and the one that each call of the contract needs."""

import enum
from collections.abc import Mapping
from typing import Final


class Scope(enum.StrEnum):
    """None includes another."""

    READ = "read"
    """Look at audiences, syncs and ad accounts, and at the API itself by reflection."""
    WRITE = "write"
    """Say who is in."""
    OPERATE = "operate"
    """Sync now, pause, resume, diagnose."""
    ADMINISTER = "administer"
    """Connect, change and disconnect; give the tokens of ad accounts."""


SCOPE_OF_METHOD: Final[Mapping[str, Scope]] = {
    "ConnectAdAccount": Scope.ADMINISTER,
    "GetAdAccount": Scope.READ,
    "ListAdAccounts": Scope.READ,
    "ConnectAudience": Scope.ADMINISTER,
    "GetAudience": Scope.READ,
    "ListAudiences": Scope.READ,
    "UpdateAudience": Scope.ADMINISTER,
    "PauseAudience": Scope.OPERATE,
    "ResumeAudience": Scope.OPERATE,
    "DisconnectAudience": Scope.ADMINISTER,
    "UpdateMembership": Scope.WRITE,
    "ImportMembership": Scope.WRITE,
    "SyncNow": Scope.OPERATE,
    "GetSync": Scope.READ,
    "ListSyncs": Scope.READ,
    "ListRejectedRows": Scope.READ,
    "ListAuditEvents": Scope.ADMINISTER,
    "WatchSync": Scope.READ,
    "Diagnose": Scope.OPERATE,
}
"""The comments of the contract tell the same. A method that is not here is refused to everybody."""
