"""Reads of a PromQL expression which metrics, labels and functions it names. Not what it means."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

FUNCTIONS = frozenset(
    {
        *("sum", "min", "max", "topk", "absent", "rate", "increase", "histogram_quantile"),
        *("by", "and", "bool"),
    }
)
"""What of the language is used; a word that is none of these is taken for a metric."""
ADDED_BY_PROMETHEUS = frozenset({"instance", "job"})

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_RANGE = re.compile(r"\[[^\]]*\]")
_BY = re.compile(r"\bby\s*\(([^)]*)\)\s*\(")
_SELECTOR = re.compile(r"([a-z_]\w*)\s*(?:\{([^}]*)\})?")
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"')


@dataclass(frozen=True)
class Matcher:
    """A condition on a label of a metric."""

    metric: str
    label: str
    value: str
    is_pattern: bool


def matchers_of(expression: str) -> Iterator[Matcher]:
    for name, inner in _SELECTOR.findall(expression):
        for label, operator, value in _MATCHER.findall(inner):
            yield Matcher(name, label, value, "~" in operator)


def metrics_of(expression: str) -> set[str]:
    """All words that are neither functions nor labels."""
    bare = _RANGE.sub("", _STRING.sub('""', expression))
    bare = re.sub(r"\{[^}]*\}", "", bare)
    bare = re.sub(r"\bby\s*\([^)]*\)", "by", bare)
    words = set(re.findall(r"(?<![\w.$])[a-zA-Z_:][\w:]*", bare))
    return words - FUNCTIONS


def groupings_of(expression: str) -> Iterator[tuple[set[str], str]]:
    """The labels of every `by`, and what it groups."""
    for found in _BY.finditer(expression):
        labels = {label.strip() for label in found[1].split(",")}
        yield labels, expression[found.end() : _closing(expression, found.end())]


def _closing(text: str, start: int) -> int:
    depth = 1
    for place, character in enumerate(text[start:], start=start):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0:
            return place
    raise ValueError(f"a bracket is not closed: {text}")


def problems_of(expression: str, known: Mapping[str, frozenset[str]]) -> list[str]:
    """What an expression names that there is not."""
    found = [f"no metric {name}" for name in sorted(metrics_of(expression) - known.keys())]
    if found:
        return found
    found = [
        f"{matcher.metric} has no label {matcher.label}"
        for matcher in matchers_of(expression)
        if matcher.label not in known[matcher.metric] | ADDED_BY_PROMETHEUS
    ]
    for labels, grouped in groupings_of(expression):
        for name in sorted(metrics_of(grouped)):
            lacking = labels - known[name] - ADDED_BY_PROMETHEUS
            found += [f"{name} has no label {label}" for label in sorted(lacking)]
    return found


def labels_left(expression: str) -> set[str]:
    """Labels that the result may have."""
    return set().union(*(labels for labels, _ in groupings_of(expression)))
