"""Opens the file of a customer list with the reader of its format."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from service.cli.csv_members import CsvList
from service.cli.customer_list import BadList, CustomerList

PARQUET_SUFFIX: Final = ".parquet"
"""How the name of a file ends that is Parquet, in whatever case; every other is CSV."""


@contextlib.contextmanager
def opened_list(path: Path) -> Iterator[CustomerList]:
    """The list in a file, as long as the block runs.

    Raises: BadList, OSError.
    """
    with path.open("rb") as file:
        if path.suffix.lower() != PARQUET_SUFFIX:
            yield CsvList(file, path.stat().st_size)
            return
        try:
            from service.cli.parquet_members import ParquetList  # noqa: PLC0415 - an extra
        except ModuleNotFoundError as error:
            if error.name != "pyarrow":
                raise
            problem = "to read Parquet, pyarrow is needed: `pip install 'audience-sync[parquet]'` installs it"
            raise BadList("", problem) from None
        yield ParquetList(file)
