"""Builds customer lists of Parquet in memory."""

import io
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from service.cli.parquet_members import ParquetList


def file_of(table: pa.Table, **options: Any) -> io.BytesIO:
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return io.BytesIO(file.getvalue())


def listed(columns: Mapping[str, Any], **options: Any) -> ParquetList:
    """A list whose ids are u1, u2 ... unless it has a column of them."""
    rows = len(next(iter(columns.values())))
    ids = {} if "id" in columns else {"id": [f"u{n + 1}" for n in range(rows)]}
    return ParquetList(file_of(pa.table({**ids, **columns}), **options))
