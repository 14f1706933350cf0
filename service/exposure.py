"""Who can reach the service, and whom it reaches: what is this machine, and what is Facebook. Pure."""

import ipaddress
import re
from typing import Final

_AUTHORITY: Final = re.compile(r"(https?)://(\[[^\]@]*\]|[^\s/?#@:\\]*)(?::(\d{1,5}))?(?:/.*)?")
"""An address without a user, whose host nobody reads in two ways."""
_FACEBOOK: Final = "graph.facebook.com"
_HTTPS_PORTS: Final = (None, "443")


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host; of a name that must be looked up, nobody knows."""
    bare = host.strip("[]").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def listens_to_others(listen: str) -> bool:
    """Whether other machines may reach host:port."""
    return not is_loopback(listen.rpartition(":")[0])


def is_facebook_or_loopback(url: str) -> bool:
    """Whether a token sent there reaches Facebook itself, or nobody beyond this machine."""
    found = _AUTHORITY.fullmatch(url)
    if found is None:
        return False
    scheme, host, port = found.groups()
    is_facebook = host.lower() == _FACEBOOK and scheme == "https" and port in _HTTPS_PORTS
    return is_facebook or is_loopback(host)
