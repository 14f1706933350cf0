"""Owns every refusal of the Graph port: one constructor for each, with code, subcode and status."""

from typing import Final

TERMS_PAGE: Final = "https://business.facebook.com/ads/manage/customaudiences/tos/?act="


class GraphError(Exception):
    """A refusal in Meta's envelope."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        subcode: int | None = None,
        http_status: int = 400,
        kind: str = "OAuthException",
        is_transient: bool | None = None,
        user_title: str | None = None,
        user_message: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.subcode = subcode
        self.http_status = http_status
        self.kind = kind
        self.is_transient = is_transient
        self.user_title = user_title
        self.user_message = user_message

    @property
    def challenge(self) -> str:
        """Return the word of WWW-Authenticate."""
        return "invalid_token" if self.code in (102, 104, 190) else "invalid_request"

    def envelope(self, trace_id: str) -> dict[str, object]:
        """Return the body."""
        optional = {
            "error_subcode": self.subcode,
            "is_transient": self.is_transient,
            "error_user_title": self.user_title,
            "error_user_msg": self.user_message,
        }
        error = {"message": self.message, "type": self.kind, "code": self.code}
        error |= {name: value for name, value in optional.items() if value is not None}
        return {"error": error | {"fbtrace_id": trace_id}}


class HtmlRefusal(Exception):
    """A refusal that comes as an HTML page and no JSON."""

    def __init__(self, http_status: int) -> None:
        super().__init__(f"HTML page with status {http_status}")
        self.http_status = http_status


def unknown_token() -> GraphError:
    """190: nobody knows this token."""
    return GraphError(190, "Invalid OAuth access token - Cannot parse access token")


def dead_token(subcode: int, reason: str) -> GraphError:
    """190 with the subcode of what has ended the token."""
    return GraphError(190, f"Error validating access token: {reason}", subcode=subcode)


def missing_token() -> GraphError:
    """104: a node or edge was asked for without any token."""
    return GraphError(104, "An access token is required to request this resource.")


def missing_token_for_me() -> GraphError:
    """2500: `me` has no meaning without a token."""
    message = "An active access token must be used to query information about the current user."
    return GraphError(2500, message)


def lacks_ads_management() -> GraphError:
    """294: writing needs ads_management."""
    message = "(#294) Managing advertisements requires an access token with ads_management"
    return GraphError(294, message)


def system_users_cannot_accept() -> GraphError:
    """200: terms are accepted by people, and a system user is none."""
    return GraphError(200, "(#200) A system user cannot accept terms", http_status=403)


def lacks_ads_read() -> GraphError:
    """200: reading needs ads_read or ads_management."""
    message = "(#200) The token has neither the ads_read nor the ads_management permission"
    return GraphError(200, message, http_status=403)


def invisible(object_id: str, method: str) -> GraphError:
    """100/33: missing, invisible to this token, or a verb that it does not know."""
    message = (
        f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, "
        "cannot be loaded due to missing permissions, or does not support this operation"
    )
    return GraphError(100, message, subcode=33, kind="GraphMethodException")


def unknown_path(path: str) -> GraphError:
    """2500: no node or edge of that name."""
    return GraphError(2500, f"Unknown path components: {path}")


def invalid_proof() -> GraphError:
    """100: the appsecret_proof is not the one of this token."""
    message = "Invalid appsecret_proof provided in the API argument"
    return GraphError(100, message, kind="GraphMethodException")


def proof_required() -> GraphError:
    """100: the app wants a proof with every call."""
    message = "API calls from the server require an appsecret_proof argument"
    return GraphError(100, message, kind="GraphMethodException")


def bad_parameter(detail: str) -> GraphError:
    """100: a parameter has a wrong type or value."""
    return GraphError(100, f"(#100) {detail}")


def missing_parameters(*names: str) -> GraphError:
    """100: parameters are missing on an edge that makes things."""
    return GraphError(100, f"(#100) Missing parameter(s): {', '.join(names)}")


def missing_required_parameter(name: str) -> GraphError:
    """100: one parameter is missing on `/users`."""
    return GraphError(100, f"(#100) Missing required parameter: {name}")


def unknown_field(name: str, node_type: str) -> GraphError:
    """100: the field does not exist on the node."""
    message = f"(#100) Tried accessing nonexisting field ({name}) on node type ({node_type})"
    return GraphError(100, message)


def malformed_fields() -> GraphError:
    """2500: `fields` cannot be parsed."""
    return GraphError(2500, "Syntax error in the field list")


def data_mismatch(detail: str) -> GraphError:
    """100: empty data, a row of the wrong width, an unknown key."""
    return GraphError(100, f"(#100) Data is missing or does not match schema: {detail}")


def terms_not_accepted(account_number: str) -> GraphError:
    """200/1870034: the account has not accepted the terms of custom audiences."""
    return GraphError(
        200,
        "Permissions error",
        subcode=1870034,
        http_status=403,
        is_transient=False,
        user_title="Terms of Service Not Accepted",
        user_message=f"Accept the custom audience terms: {TERMS_PAGE}{account_number}",
    )


def too_small_after_removal() -> GraphError:
    """200/1870047: the removal would leave too few people."""
    return GraphError(
        200,
        "Permissions error",
        subcode=1870047,
        is_transient=False,
        user_title="Audience Size too Low",
        user_message="Removing these people would make the audience too small.",
    )


def mode_locked(locked: str, given: str) -> GraphError:
    """2650: single-key and multi-key uploads do not mix."""
    message = (
        "(#2650) Failed to update the custom audience: This audience was created from data source "
        f"FILE_IMPORTED.{locked}, which does not support data source FILE_IMPORTED.{given}."
    )
    return GraphError(2650, message)


def too_many_audiences(limit: int, kind: str) -> GraphError:
    """2654: the account's quota of customer lists, or of lookalikes, is used up."""
    return GraphError(2654, f"(#2654) The account already has {limit} {kind} audiences")


def too_many_rows() -> GraphError:
    """105: more rows than one call may carry."""
    return GraphError(105, "(#105) The number of parameters exceeded the maximum for this request")


def unknown_failure() -> GraphError:
    """1/99: what oversized uploads were seen to get."""
    return GraphError(1, "An unknown error occurred", subcode=99, http_status=500)


def not_there_yet(*names: str) -> GraphError:
    """803: the edge of a new audience, or ids of a reading of many, that do not exist."""
    message = f"(#803) Some of the aliases you requested do not exist: {', '.join(names)}"
    return GraphError(803, message)


def too_much_data() -> GraphError:
    """1: a page with too many rows or fields."""
    message = "Please reduce the amount of data you're asking for, then retry your request"
    return GraphError(1, message, http_status=500)


def too_many_calls() -> GraphError:
    """80003/2446079: the account's budget of custom audience calls is used up."""
    message = (
        "(#80003) There have been too many calls to this ad-account. Wait a bit and try again. For "
        "more info, please refer to "
        "https://developers.facebook.com/docs/graph-api/overview/rate-limiting."
    )
    return GraphError(80003, message, subcode=2446079)


def dead_version(version: str, oldest: str) -> GraphError:
    """2635: the version is gone, or never was."""
    message = f"(#2635) You are calling a deprecated version ({version}). Update to {oldest}."
    return GraphError(2635, message)
