"""How the reader of a list is chosen."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.cli.list_file import opened_list
from tests.unit.cli.listed import ids_of


def write_parquet(path: Path) -> Path:
    pq.write_table(pa.table({"id": ["u1", "u2"]}), path)
    return path


@pytest.mark.parametrize("name", ["list.parquet", "part-0.snappy.PARQUET"])
def test_parquet_is_chosen_by_the_end_of_the_name(tmp_path: Path, name: str) -> None:
    with opened_list(write_parquet(tmp_path / name)) as found:
        assert ids_of(found) == ["u1", "u2"]
        assert found.length == 2


@pytest.mark.parametrize("name", ["list.csv", "list.txt", "list"])
def test_every_other_name_is_csv(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("id\nu1\nu2\n")
    with opened_list(path) as found:
        assert ids_of(found, skip=1) == ["u2"]
        assert found.length == path.stat().st_size
