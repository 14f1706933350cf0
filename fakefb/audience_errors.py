"""Owns the refusals that come from the state of a Custom Audience: replaces, flags, lookalikes."""

from fakefb.graph_errors import GraphError

_TITLES = {
    1870144: ("Audience Too Large", "Audiences of this size cannot be replaced."),
    1870145: ("Audience Update In Progress", "Another update of this audience is under way."),
    1870147: ("Invalid Upload Batch", "The first batch of this session has not been seen."),
    1870148: ("Something Went Wrong", "The audience could not be replaced; open a new session."),
    1870158: ("Replace Session Timed Out", "The session took longer than 90 minutes."),
    1870159: ("Replace Session Finished", "The session has been finished; open a new one."),
}


def _update_failed(subcode: int) -> GraphError:
    title, message = _TITLES[subcode]
    return GraphError(
        2650,
        f"(#2650) Failed to update the custom audience: {message}",
        subcode=subcode,
        is_transient=False,
        user_title=title,
        user_message=message,
    )


def too_large_to_replace() -> GraphError:
    """2650/1870144: the audience has too many people for a replace."""
    return _update_failed(1870144)


def update_in_progress() -> GraphError:
    """2650/1870145: a replace session is open."""
    return _update_failed(1870145)


def first_batch_missing() -> GraphError:
    """2650/1870147: a later batch of a session that was never opened."""
    return _update_failed(1870147)


def replace_failed() -> GraphError:
    """2650/1870148: the replace cannot go on, or cannot begin."""
    return _update_failed(1870148)


def replace_timed_out() -> GraphError:
    """2650/1870158: the session's 90 minutes are over."""
    return _update_failed(1870158)


def replace_finished() -> GraphError:
    """2650/1870159: the session has had its last batch."""
    return _update_failed(1870159)


def not_a_customer_list() -> GraphError:
    """2650: people cannot be put into a lookalike."""
    message = "(#2650) Failed to update the custom audience: It is not made of a customer list."
    return GraphError(2650, message)


def lookalikes_depend(custom_audience_id: str) -> GraphError:
    """2656: the audience is the origin of lookalikes."""
    message = f"(#2656) Lookalike audiences are built on {custom_audience_id}; delete them first"
    return GraphError(2656, message)


def seed_too_small(people: int) -> GraphError:
    """100: the origin of a lookalike has too few people."""
    return GraphError(100, f"(#100) The origin audience needs at least {people} matched people")


def _flagged(subcode: int, message: str) -> GraphError:
    return GraphError(
        100,
        "Invalid parameter",
        subcode=subcode,
        is_transient=False,
        user_title="Audience Flagged",
        user_message=message,
    )


def flagged_membership() -> GraphError:
    """100/1713230: the people of a flagged audience cannot be changed."""
    return _flagged(1713230, "The people of a flagged audience cannot be changed.")


def flagged_edit(fields: tuple[str, ...]) -> GraphError:
    """100/1713231: an edit leaves the fields that break the policy as they are."""
    return _flagged(1713231, f"Change what breaks the policy first: {', '.join(fields)}.")


def flagged_lookalike_edit() -> GraphError:
    """100/1713228: a lookalike that is flagged, or built on a flagged audience, is edited."""
    return _flagged(1713228, "A lookalike of a flagged audience cannot be edited.")


def flagged_origin() -> GraphError:
    """100/1713232: a lookalike is to be built on a flagged audience."""
    return _flagged(1713232, "No lookalike can be built on a flagged audience.")


def shared_audience_is_read_only() -> GraphError:
    """200: somebody else's audience is edited."""
    return GraphError(200, "(#200) This audience is shared with you; only its owner may change it")
