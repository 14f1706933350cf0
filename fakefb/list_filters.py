"""Owns `filtering` of audience lists: which fields may be compared, and how."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from fakefb import graph_errors
from fakefb.digits import whole_number

FILTERS_MAX: Final = 20

_FIELDS: Final = (
    "operation_status.code",
    "delivery_status.code",
    "delete_time",
    "time_created",
    "time_updated",
)
"""Numbers; names are not among them."""

Compare = Callable[[int, int], bool]

_SINGLE: Final[Mapping[str, Compare]] = {
    "EQUAL": lambda mine, given: mine == given,
    "NOT_EQUAL": lambda mine, given: mine != given,
    "GREATER_THAN": lambda mine, given: mine > given,
    "GREATER_THAN_OR_EQUAL": lambda mine, given: mine >= given,
    "LESS_THAN": lambda mine, given: mine < given,
    "LESS_THAN_OR_EQUAL": lambda mine, given: mine <= given,
}


def read_filters(value: object) -> Callable[[Mapping[str, object]], bool]:
    """Return what tells whether an audience, by its fields, passes all filters.

    Raises: GraphError 100 for unknown fields or operators and wrong values.
    """
    if value is None:
        return lambda _: True
    if not isinstance(value, list) or len(value) > FILTERS_MAX:
        raise graph_errors.bad_parameter("filtering must be a list of filters")
    filters = [_filter(item) for item in value]
    return lambda fields: all(passes(fields) for passes in filters)


def _filter(item: object) -> Callable[[Mapping[str, object]], bool]:
    if not isinstance(item, Mapping):
        raise graph_errors.bad_parameter("a filter must have field, operator and value")
    name, operator, value = (item.get(key) for key in ("field", "operator", "value"))
    if not isinstance(name, str) or name not in _FIELDS:
        raise graph_errors.bad_parameter(f"Filtering field must be one of {', '.join(_FIELDS)}")
    if operator in ("IN", "NOT_IN"):
        wanted, is_in = set(_numbers(value)), operator == "IN"
        return lambda fields: (
            _number_of(fields, name) is not None and ((_number_of(fields, name) in wanted) is is_in)
        )
    if not isinstance(operator, str) or operator not in _SINGLE:
        raise graph_errors.bad_parameter("Filtering operator is unknown")
    return _compared(name, _SINGLE[operator], _number(value))


def _compared(name: str, compare: Compare, given: int) -> Callable[[Mapping[str, object]], bool]:
    def passes(fields: Mapping[str, object]) -> bool:
        mine = _number_of(fields, name)
        return mine is not None and compare(mine, given)

    return passes


def _number_of(fields: Mapping[str, object], name: str) -> int | None:
    head, _, part = name.partition(".")
    value = fields.get(head)
    if part:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value if isinstance(value, int) else None


def _numbers(value: object) -> Sequence[int]:
    if not isinstance(value, list):
        raise graph_errors.bad_parameter("The value of IN must be a list")
    return [_number(item) for item in value]


def _number(value: object) -> int:
    number = whole_number(value) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int):
        raise graph_errors.bad_parameter("The value of a filter must be a whole number")
    return number
