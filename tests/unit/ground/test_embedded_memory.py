"""How much memory the embedded Postgres shares: by the machine's, within bounds, and never more than a container has."""

from pathlib import Path

import pytest

from service.embedded import memory

GB = 1024**3


@pytest.mark.parametrize(
    ("memory_gb", "shared_mb"), [(0.25, 128), (1, 128), (2, 256), (4, 512), (8, 1024), (64, 1024)]
)
def test_an_eighth_of_the_memory_is_shared_within_bounds(memory_gb: float, shared_mb: int) -> None:
    assert memory.share_of(int(memory_gb * GB)) == shared_mb


@pytest.mark.parametrize(("said", "shared_mb"), [(f"{2 * GB}\n", 256), ("max\n", 1024)])
def test_a_container_has_what_it_is_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, shared_mb: int
) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text(said)
    monkeypatch.setattr("os.sysconf", {"SC_PHYS_PAGES": 8, "SC_PAGE_SIZE": GB}.__getitem__)
    monkeypatch.setattr(memory, "_LIMITS", (limit, tmp_path / "none"))
    assert memory.shared_mb() == shared_mb
