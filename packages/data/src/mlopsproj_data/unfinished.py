"""What is prepared so far, so that an interrupted preparation goes on where it was.

    train.u8  validation.u8  test.u8    pixels, appended
    00000000.arrow …                    rows of the table, a piece at a time

A piece is recorded once its pixels are written, by a rename; pixels beyond the last piece are
overwritten. Whatever moment a process is killed at, what is recorded is whole. Knows nothing of
labels, checks or the prepared data set that this becomes.
"""

import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import IO, Any, Final, Self

import numpy as np
import pyarrow as pa
from mlopsproj_core.image import ImageSpec, Pixels
from mlopsproj_core.local_files import put_in_place

from mlopsproj_data.examination import EXAMINED
from mlopsproj_data.splits import SPLITS

_PLACE: Final = "place"
_ROW: Final = "row"
_COLUMNS: Final = pa.schema([(_ROW, pa.int64()), (_PLACE, pa.int64()), *EXAMINED])

_BUFFER_BYTES: Final = 1 << 20
_ROWS_OF_A_PIECE: Final = 2048
_SECONDS_OF_A_PIECE: Final = 5.0


class Unfinished:
    """Facts and pixels of the first records of a source; a context manager."""

    def __init__(self, folder: Path, spec: ImageSpec) -> None:
        """Go on with what `folder` holds.

        Args:
            folder: of one preparation alone, which the caller has locked; is made.
            spec: of the pixels.

        Raises:
            OSError: if it cannot be read or written.
        """
        self._folder, self._bytes = folder, int(np.prod(spec.shape))
        folder.mkdir(parents=True, exist_ok=True)
        self.done = 0
        """Records from the beginning of the source that need not be looked at again."""
        self._pieces = 0
        self._counts = dict.fromkeys(SPLITS, 0)
        self._go_on()
        self._rows: list[dict[str, Any]] = []
        self._recorded_at = time.monotonic()
        self._stack = ExitStack()
        self._files: dict[str, IO[bytes]] = {}

    def __enter__(self) -> Self:
        for split in SPLITS:
            path = self.pixels(split)
            path.touch()
            file = self._stack.enter_context(path.open("r+b", _BUFFER_BYTES))
            file.truncate(self._counts[split] * self._bytes)
            file.seek(0, 2)
            self._files[split] = file
        return self

    def __exit__(self, *_: object) -> None:
        """Keep what is done, as far as there is room for it."""
        with self._stack, suppress(OSError):
            self.record()

    def pixels(self, split: str) -> Path:
        """File of the pixels that were put into a split, by their places."""
        return self._folder / f"{split}.u8"

    def unread(self) -> list[int]:
        """Rows of the records whose files could not be read: that may have been mended since."""
        table = self.table()
        return table[_ROW].filter(table["id"].is_null()).to_pylist()  # type: ignore[no-any-return]

    def add(
        self, rows: Sequence[int], facts: Sequence[dict[str, Any]], pixels: Iterable[Pixels]
    ) -> None:
        """Take some records.

        Args:
            rows: of the records in the source.
            facts: as `EXAMINED` says, with the split that the pixels of each are put into.
            pixels: uint8 of each without a problem.

        Raises:
            OSError: if the disk is full.
        """
        images = iter(pixels)
        for row, values in zip(rows, facts, strict=True):
            place = None
            if values["problem"] is None:
                split = values["split"]
                place = self._counts[split]
                self._counts[split] += 1
                self._files[split].write(next(images).data)
            self._rows.append({_ROW: row, _PLACE: place, **values})
        late = time.monotonic() - self._recorded_at > _SECONDS_OF_A_PIECE
        if late or len(self._rows) >= _ROWS_OF_A_PIECE:
            self.record()

    def record(self) -> None:
        """Make what was added last a killed process.

        Raises:
            OSError: if the disk is full.
        """
        if self._rows:
            for file in self._files.values():
                file.flush()
            piece = pa.Table.from_pylist(self._rows, schema=_COLUMNS)
            _write(self._piece(self._pieces), piece)
            self._pieces += 1
            self.done = max(self.done, _end(piece))
            self._rows.clear()
        self._recorded_at = time.monotonic()

    def table(self) -> pa.Table:
        """A row for each record that is done, in their order: `EXAMINED` and `place`."""
        pieces = (_read(self._piece(number)) for number in range(self._pieces))
        table = pa.concat_tables([_COLUMNS.empty_table(), *pieces])
        rows = table[_ROW].to_numpy()
        if len(rows) and not (rows[1:] > rows[:-1]).all():
            # What was looked at again stands behind; the last word counts.
            last = len(rows) - 1 - np.unique(rows[::-1], return_index=True)[1]
            table = table.take(pa.array(last))
        return table

    def _go_on(self) -> None:
        """Take the pieces from the first on, none if there are fewer pixels than they promise."""
        with suppress(OSError, pa.ArrowInvalid):
            while True:
                piece = _read(self._piece(self._pieces))
                self._pieces += 1
                self.done = max(self.done, _end(piece))
                for split, count in _counts(piece).items():
                    self._counts[split] += count
        if not all(self._holds(split) for split in SPLITS):  # the machine went down
            self._pieces, self.done, self._counts = 0, 0, dict.fromkeys(SPLITS, 0)
        for path in self._folder.glob("*.arrow"):
            if int(path.stem) >= self._pieces:
                path.unlink()

    def _holds(self, split: str) -> bool:
        path, expected = self.pixels(split), self._counts[split] * self._bytes
        return not expected or (path.exists() and path.stat().st_size >= expected)

    def _piece(self, number: int) -> Path:
        return _piece(self._folder, number)


def begin_unfinished(folder: Path, table: pa.Table, pixels: Mapping[str, Path]) -> None:
    """Begin with records that are done, unless something is recorded already.

    Args:
        folder: of one preparation alone, which the caller has locked; is made.
        table: as `Unfinished.table` gives it, from the first record on, with the columns `row` and
            `place` in front.
        pixels: file of each split, which is copied.

    Raises:
        OSError: if it cannot be read or written.
    """
    first = _piece(folder, 0)
    if not first.exists():
        folder.mkdir(parents=True, exist_ok=True)
        for split, file in pixels.items():
            shutil.copyfile(file, folder / f"{split}.u8")
        _write(first, table.cast(_COLUMNS))


def _piece(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.arrow"


def _write(path: Path, piece: pa.Table) -> None:
    """Whole or not at all."""
    draft = path.with_suffix(".new")
    with pa.OSFile(str(draft), "wb") as sink, pa.ipc.new_file(sink, _COLUMNS) as writer:
        writer.write_table(piece)
    put_in_place(draft, path)


def _read(path: Path) -> pa.Table:
    with pa.OSFile(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def _end(piece: pa.Table) -> int:
    """The row after the last one."""
    return int(piece[_ROW][-1].as_py()) + 1


def _counts(piece: pa.Table) -> dict[str, int]:
    placed = piece.filter(piece[_PLACE].is_valid())["split"].to_numpy()
    return {split: int((placed == split).sum()) for split in SPLITS}
