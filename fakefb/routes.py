"""Owns the table of routes of the Graph port."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fakefb import (
    batches,
    graph_errors,
    routes_accounts,
    routes_audiences,
    routes_reading,
    routes_sharing,
    routes_terms,
    routes_users,
)
from fakefb.call import Call

BATCH: Final = "batch"
"""Operation of a call that holds others."""


@dataclass(frozen=True, slots=True)
class Route:
    """What answers a call; `endpoint` and `operation` are its names in the journal."""

    endpoint: str
    operation: str
    answer: Callable[[Call], Mapping[str, object]]


_ROUTES: Final = {
    route.endpoint: route
    for route in (
        Route("POST ", BATCH, batches.refuse_nested),
        Route("GET ", "read_many", routes_reading.read_many),
        Route("GET debug_token", "debug_token", routes_accounts.debug_token),
        Route("GET me/adaccounts", "list_ad_accounts", routes_accounts.list_ad_accounts),
        Route("GET {ad_account}", "read_ad_account", routes_accounts.read_ad_account),
        Route("GET {ad_account}/customaudiencestos", "list_terms", routes_terms.list_terms),
        Route("POST {ad_account}/customaudiencestos", "accept_terms", routes_terms.accept_terms),
        Route("POST {ad_account}/customaudiences", "create", routes_audiences.create_audience),
        Route("GET {ad_account}/customaudiences", "list", routes_reading.list_audiences),
        Route(
            "DELETE {ad_account}/usersofanyaudience",
            "remove_everywhere",
            routes_users.remove_users_everywhere,
        ),
        Route("GET {audience}", "read", routes_reading.read_audience),
        Route("POST {audience}", "update", routes_audiences.update_audience),
        Route("DELETE {audience}", "delete", routes_audiences.delete_audience),
        Route("POST {audience}/users", "add", routes_users.add_users),
        Route("DELETE {audience}/users", "remove", routes_users.remove_users),
        Route("POST {audience}/usersreplace", "replace", routes_users.replace_users),
        Route("GET {audience}/sessions", "sessions", routes_reading.list_sessions),
        Route("GET {audience}/adaccounts", "list_shared", routes_sharing.list_shared),
        Route("POST {audience}/adaccounts", "share", routes_sharing.share),
        Route("DELETE {audience}/adaccounts", "unshare", routes_sharing.unshare),
    )
}


def find_route(method: str, parts: Sequence[str]) -> Route | None:
    """Return the route of a method and a path, or None."""
    return _ROUTES.get(f"{method} {_shape(parts)}")


def no_route(method: str, parts: Sequence[str]) -> graph_errors.GraphError:
    """Return the refusal of a path that has no route: a wrong verb, or nothing of that name."""
    if not parts:
        return graph_errors.missing_required_parameter("batch")
    shape = _shape(parts)
    if len(parts) == 1 or any(endpoint.endswith(f" {shape}") for endpoint in _ROUTES):
        return graph_errors.invisible(parts[0], method)
    return graph_errors.unknown_path("/" + "/".join(parts[1:]))


def _shape(parts: Sequence[str]) -> str:
    if not parts:
        return ""
    head = parts[0]
    if head.startswith("act_"):
        head = "{ad_account}"
    elif head.isascii() and head.isdigit():
        head = "{audience}"
    return "/".join([head, *parts[1:]])
