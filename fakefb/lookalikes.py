"""Owns what a lookalike audience is: its spec, its size and how it ages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from fakefb import graph_errors

SEED_PEOPLE_MIN: Final = 100
"""People that the origin of a lookalike must have."""
LOOKALIKES_PER_ACCOUNT_MAX: Final = 500
RATIO_MIN: Final = 0.01
RATIO_MAX: Final = 0.20
POPULATING_S: Final = 3_600
"""Seconds until a new lookalike has its people."""
IDLE_S: Final = 90 * 86_400
"""Seconds after which a lookalike that nobody uses is inactive."""
COUNTRY_PEOPLE: Final = 10_000_000
"""Made-up number of people of a country, of whom a lookalike takes its ratio."""

_TYPES: Final = {"similarity": 0.01, "reach": 0.05, "custom_ratio": 0.01}
"""Kinds of a spec, with the ratio taken where none is given."""


@dataclass(frozen=True, slots=True)
class Lookalike:
    """What makes an audience a lookalike."""

    origin_audience_id: str
    spec: Mapping[str, object]

    def people(self) -> int:
        """Return the number of people, once populated."""
        ratio, start = self.spec.get("ratio"), self.spec.get("starting_ratio")
        upper = ratio if isinstance(ratio, float | int) else _TYPES[str(self.spec["type"])]
        lower = start if isinstance(start, float | int) else 0.0
        return round((upper - lower) * COUNTRY_PEOPLE)


def operation_code(time_updated: float, now: float) -> int:
    """Return 441 while populating, 450 once idle for 90 days, else 200."""
    age = now - time_updated
    if age >= IDLE_S:
        return 450
    return 441 if age < POPULATING_S else 200


def read_spec(value: object) -> Mapping[str, object]:
    """Check a `lookalike_spec`.

    Raises: GraphError 100 for a spec without kind and ratio, out of range, or without a place.
    """
    if not isinstance(value, Mapping):
        raise graph_errors.bad_parameter("lookalike_spec must be a JSON object")
    kind = value.get("type")
    if kind is not None and (not isinstance(kind, str) or kind not in _TYPES):
        raise graph_errors.bad_parameter(f"lookalike_spec.type must be one of {', '.join(_TYPES)}")
    ratio = _ratio(value, "ratio", RATIO_MIN)
    start = _ratio(value, "starting_ratio", 0.0)
    if kind is None and ratio is None:
        raise graph_errors.bad_parameter("lookalike_spec needs type or ratio")
    if start is not None and (ratio is None or start >= ratio):
        raise graph_errors.bad_parameter("lookalike_spec.starting_ratio must be below ratio")
    _check_place(value)
    return dict(value)


def _ratio(spec: Mapping[str, object], name: str, smallest: float) -> float | None:
    value = spec.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise graph_errors.bad_parameter(f"lookalike_spec.{name} must be a number")
    if not smallest <= value <= RATIO_MAX:
        raise graph_errors.bad_parameter(
            f"lookalike_spec.{name} must be from {smallest} to {RATIO_MAX}"
        )
    return float(value)


def _check_place(spec: Mapping[str, object]) -> None:
    country, location = spec.get("country"), spec.get("location_spec")
    if country is None and not isinstance(location, Mapping):
        raise graph_errors.bad_parameter("lookalike_spec needs country or location_spec")
    is_code = isinstance(country, str) and len(country) == 2 and country.isalpha()  # noqa: PLR2004
    if country is not None and not is_code:
        raise graph_errors.bad_parameter("lookalike_spec.country must be a two-letter code")
