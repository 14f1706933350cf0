"""Owns how the number of people is shown to the world: as a rounded range with a floor."""

_SIGNIFICANT = 2


def approximate_counts(people: int, floor: int) -> tuple[int, int]:
    """Return lower and upper bound: two significant digits, nothing below the floor."""
    step = 10 ** max(0, len(str(people)) - _SIGNIFICANT)
    lower = people // step * step
    upper = -(-people // step) * step
    return max(lower, floor), max(upper, floor)
