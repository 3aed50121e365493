"""Tables as they lie on the disk: CSV in any delimiter and encoding, and Parquet, row by row.

Every cell is given as text. Knows nothing of what the columns mean.
"""

import codecs
import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import DataError

from mlopsproj_data.sources.image_files import is_image
from mlopsproj_data.sources.printing import printable

ENDINGS: Final = frozenset({".csv", ".tsv", ".parquet", ".pq"})
"""Of tables, in lower case."""

_PARQUET: Final = b"PAR1"
_DELIMITERS: Final = ",;\t|"
_BOMS: Final = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LEGACY_ENCODING: Final = "cp1252"
_SAMPLE_BYTES: Final = 65_536
_SAMPLE_ROWS: Final = 20
_BATCH_ROWS: Final = 65_536


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table.

    Attributes:
        number: as a spreadsheet counts, from 1; a header is a row.
        cells: of the columns that were asked for, without blanks around; None where the row has
            more cells than the table has columns.
    """

    number: int
    cells: tuple[str, ...] | None


class TableFile:
    """A CSV or Parquet file.

    Attributes:
        path: where it lies.
        columns: names, in order; "1", "2", … where the first row is no header.
        image_columns: those that hold names of images, where the first row is no header.

    Raises:
        DataError: if it is no table.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.image_columns: tuple[str, ...] = ()
        self._has_header = True
        try:
            with path.open("rb") as file:
                sample = file.read(_SAMPLE_BYTES)
            self._parquet = sample.startswith(_PARQUET)
            if self._parquet:
                self._names = pq.read_schema(path).names
                self.columns = tuple(map(printable, self._names))
                return
            self._encoding = _encoding(sample)
            first = self._sniff(sample)
        except (OSError, pa.ArrowException, UnicodeError, csv.Error) as error:
            raise _unreadable(path, error) from error
        self.columns = tuple(printable(name.strip()) for name in first)
        images = [is_image(cell.strip()) for cell in first]
        if any(images):
            self._has_header = False
            self.columns = tuple(str(number + 1) for number in range(len(first)))
            self.image_columns = tuple(
                name for name, image in zip(self.columns, images, strict=True) if image
            )

    def rows(self, columns: Sequence[str]) -> Iterator[Row]:
        """The cells of some columns; rows that are blank altogether are left out.

        Raises:
            DataError: if the table cannot be read to its end.
        """
        rows = self._parquet_rows if self._parquet else self._text_rows
        try:
            yield from rows(columns)
        except (OSError, pa.ArrowException, UnicodeError, csv.Error) as error:
            raise _unreadable(self.path, error) from error

    def _sniff(self, sample: bytes) -> list[str]:
        """Choose the delimiter that cuts most rows alike; the first row."""
        text = codecs.getincrementaldecoder(self._encoding)(errors="replace").decode(sample)
        if len(sample) == _SAMPLE_BYTES:
            text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
        best: tuple[int, int] = (0, 0)
        first: list[str] = []
        self._delimiter = _DELIMITERS[0]
        for delimiter in _DELIMITERS:
            rows = list(islice(_filled(_parse(text, delimiter)), _SAMPLE_ROWS))
            if not rows:
                return []
            width = len(rows[0][1])
            alike = sum(len(row) == width for _, row in rows) if width > 1 else 0
            if not first or (alike, width) > best:
                best, first, self._delimiter = (alike, width), rows[0][1], delimiter
        return first

    def _text_rows(self, columns: Sequence[str]) -> Iterator[Row]:
        places = [self.columns.index(name) for name in columns]
        with self.path.open(encoding=self._encoding, newline="") as file:
            rows = _filled(csv.reader(file, delimiter=self._delimiter))
            for number, row in islice(rows, int(self._has_header), None):
                if any(cell.strip() for cell in row[len(self.columns) :]):
                    yield Row(number, None)
                    continue
                yield Row(number, tuple(row[i].strip() if i < len(row) else "" for i in places))

    def _parquet_rows(self, columns: Sequence[str]) -> Iterator[Row]:
        names = [self._names[self.columns.index(name)] for name in columns]
        with pq.ParquetFile(self.path) as file:
            number = 0
            for batch in file.iter_batches(_BATCH_ROWS, columns=list(dict.fromkeys(names))):
                for name in names:
                    kind = batch.column(name).type
                    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
                        raise DataError(
                            f"{self.path}: the column {printable(name)} holds {kind}: text or"
                            " numbers are expected."
                        )
                cells = [batch.column(name).to_pylist() for name in names]
                for values in zip(*cells, strict=True):
                    number += 1
                    yield Row(number, tuple(map(_text, values)))


def _encoding(sample: bytes) -> str:
    for mark, name in _BOMS.items():
        if sample.startswith(mark):
            return name
    if b"\0" in sample:
        raise UnicodeError("it is no text")
    try:
        # The sample may end in the middle of a letter.
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return _LEGACY_ENCODING
    return "utf-8"


def _parse(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)


def _filled(rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not blank, each with its number from 1."""
    for number, row in enumerate(rows, 1):
        if any(cell.strip() for cell in row):
            yield number, row


def _text(value: Any) -> str:
    """A cell of a Parquet table as a CSV file would hold it; nothing for a missing one."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # pandas turns whole numbers to floats where one is missing
    return str(value).strip()


def _unreadable(path: Path, error: Exception) -> DataError:
    reason = getattr(error, "strerror", None) or str(error)
    return DataError(
        f"{path} cannot be read as a table ({reason}): save it as CSV (UTF-8) or Parquet."
    )
