"""Parquet, Feather and Excel files, by pandas where it is installed."""

from __future__ import annotations

import io

from hwcost._extras import imported
from hwcost.errors import DataError, MissingExtraError
from hwcost.exchange.frames import read_frame
from hwcost.exchange.sheet import Sheet

WORKBOOKS = {
    "parquet": ("read_parquet", "pyarrow", "Parquet"),
    "feather": ("read_feather", "pyarrow", "Feather"),
    "excel": ("read_excel", "openpyxl", "Excel"),
}
"""Kind of file to the function of pandas, the library that it needs, and the name in messages."""


def read_workbook(content: bytes, kind: str, source: str) -> Sheet:
    """Reads the first sheet of a workbook, or the table of a Parquet or Feather file.

    Args:
        content: The whole file.
        kind: A name in ``WORKBOOKS``.
        source: Name of the file in messages.

    Raises:
        MissingExtraError: When pandas or the library behind it is not installed.
        DataError: When the file is damaged or holds no table.
    """
    function, engine, name = WORKBOOKS[kind]
    for library in ("pandas", engine):
        try:
            imported(library, "tables")
        except MissingExtraError:
            raise MissingExtraError(f"{source} is in {name} format, and {library}, which reads it,", "tables") from None
    try:
        frame = getattr(imported("pandas", "tables"), function)(io.BytesIO(content))
    except Exception as error:  # whatever a reader of a damaged file may raise
        what = f"{source}: this {name} file cannot be read: {error}"
        raise DataError(f"{what}. Save the table as CSV, and give that.") from None
    return read_frame(frame, source)
