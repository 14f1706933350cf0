"""Labels come from a bounded set, however many audiences there are."""

import re

from prometheus_client.parser import text_string_to_metric_families

from service.metrics import instruments
from service.metrics.labels import OTHERS, BoundedLabels
from service.monitor.texts import text_of


def test_the_first_have_labels_of_their_own_and_keep_them() -> None:
    labels = BoundedLabels(2)
    assert [labels.of(value) for value in "abcacb"] == ["a", "b", OTHERS, "a", OTHERS, "b"]


def test_no_audience_can_be_called_as_the_others_are() -> None:
    assert not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,63}", OTHERS)


def test_rows_of_any_number_of_audiences_make_a_bounded_number_of_series() -> None:
    for number in range(3 * instruments.AUDIENCES_OWN_MAX):
        instruments.count_rows(f"audience-{number}", "add", "accepted", 1)
    series = [
        sample.labels["audience_id"]
        for family in text_string_to_metric_families(text_of(instruments.REGISTRY))
        for sample in family.samples
        if sample.name == "audience_sync_rows_total"
        and (sample.labels["operation"], sample.labels["outcome"]) == ("add", "accepted")
    ]
    assert len(series) == len(set(series)) == instruments.AUDIENCES_OWN_MAX + 1
    assert OTHERS in series


def test_what_did_not_happen_is_no_series() -> None:
    instruments.count_rows("quiet-one", "remove", "unknown", 0)
    assert "quiet-one" not in text_of(instruments.REGISTRY)
