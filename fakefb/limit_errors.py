"""Owns the refusals for calling too often: HTTP 400 all of them, and never with Retry-After."""

from fakefb.graph_errors import GraphError


def app_limit() -> GraphError:
    """4: the app's calls of the hour are used up."""
    return GraphError(4, "(#4) Application request limit reached", is_transient=True)


def user_limit() -> GraphError:
    """17/2446079: the calls of the token's user are used up."""
    return GraphError(17, "(#17) User request limit reached", subcode=2446079, is_transient=True)


def call_rate_limit() -> GraphError:
    """613: too many calls within one minute."""
    return GraphError(613, "(#613) Calls to this api have exceeded the rate limit.")


def account_score_limit() -> GraphError:
    """613/1487742: the score of the ad account is used up."""
    message = "(#613) There have been too many calls from this ad-account."
    return GraphError(613, message, subcode=1487742)
