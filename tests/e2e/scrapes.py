"""Scrapes of a running service, read as Prometheus reads them."""

import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from prometheus_client.parser import text_string_to_metric_families

ANSWER_S_MAX = 15.0
POLL_S = 0.1


def get(address: str, path: str, token: str = "") -> tuple[int, str]:
    """Status and body of a page."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:  # noqa: S310
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def wait_for(address: str, path: str, status: int, *, seconds_max: float = 20) -> str:
    """Ask until the page has this status; returns its body."""
    found, body = get(address, path)
    for _ in range(int(seconds_max / POLL_S)):
        if found == status:
            return body
        threading.Event().wait(POLL_S)
        found, body = get(address, path)
    pytest.fail(f"{path} does not get {status}: {found} {body}")


@dataclass(frozen=True)
class Scrape:
    """All samples of one scrape."""

    text: str
    samples: Mapping[tuple[str, frozenset[tuple[str, str]]], float]

    def value(self, name: str, /, **labels: str) -> float | None:
        """The sum of the samples that have these labels; None when there is none."""
        wanted = labels.items()
        found = [
            value
            for (known, of_sample), value in self.samples.items()
            if known == name and wanted <= of_sample
        ]
        return sum(found) if found else None

    def labels(self, name: str, label: str) -> set[str]:
        """The values that a label has."""
        return {
            dict(of_sample)[label]
            for known, of_sample in self.samples
            if known == name and label in dict(of_sample)
        }


def scrape(address: str, token: str = "") -> Scrape:
    status, text = get(address, "/metrics", token)
    assert status == 200
    samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in samples, f"{key} is told twice"
            samples[key] = sample.value
    return Scrape(text, samples)
