"""What lies in a spool and is not in the database yet.

Reads the files of other processes beside them, a segment at a time, and changes nothing.
"""

from pathlib import Path
from typing import Final

import msgspec
from mlopsproj_core.errors import RecordsError
from sqlalchemy import Connection, Engine, Table, func, select
from sqlalchemy.exc import SQLAlchemyError

from mlopsproj_records.database import WORK_SECONDS
from mlopsproj_records.database_url import identity, read_url
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.failures import away
from mlopsproj_records.frames import scan
from mlopsproj_records.record import PredictionRecord, Record
from mlopsproj_records.schema import feedback, prediction
from mlopsproj_records.segments import SegmentName

_AT_ONCE: Final = 500
_decode = msgspec.msgpack.Decoder(Record).decode


def count_unmoved(spool_dir: Path, url: str) -> int:
    """How many records lie in a spool for a database that does not hold them.

    Args:
        spool_dir: that services write to; need not be there.
        url: of the database, which has tables.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if the database cannot be reached.
        RecordsError: if the spool cannot be read.
    """
    where = read_url(url)
    engine = open_engine(where)
    try:
        return sum(_unmoved(engine, path) for path in _segments(spool_dir, identity(where)))
    except OSError as error:
        raise RecordsError(f"The spool {spool_dir} cannot be read ({error}).") from error
    finally:
        engine.dispose()


def _unmoved(engine: Engine, path: Path) -> int:
    """How many records of a segment the database does not hold."""
    unreadable = 0
    ids: dict[Table, set[str]] = {prediction: set(), feedback: set()}
    for payload in _payloads(path):
        try:
            record = _decode(payload)
        except msgspec.MsgspecError:  # of another release
            unreadable += 1
        else:
            ids[prediction if isinstance(record, PredictionRecord) else feedback].add(record.id)
    if not any(ids.values()):
        return unreadable
    try:
        with transaction(engine, timeout_seconds=WORK_SECONDS) as connection:
            held = sum(_held(connection, table, sorted(found)) for table, found in ids.items())
    except (SQLAlchemyError, OSError) as error:
        raise away(engine.url, error) from error
    return unreadable + sum(map(len, ids.values())) - held


def _segments(spool_dir: Path, database: str) -> list[Path]:
    """Files of records that are for a database, or of which nobody says what they are for."""
    if not spool_dir.exists():
        return []
    found = {path: SegmentName.parse(path.name) for path in spool_dir.iterdir()}
    names = {path: name for path, name in found.items() if name and name.kind == "records"}
    lanes = {name.lane for name in names.values()}
    ours = {lane for lane in lanes if _database_of(spool_dir, lane) in {database, ""}}
    return sorted(path for path, name in names.items() if name.lane in ours)


def _database_of(spool_dir: Path, lane: str) -> str:
    try:
        return (spool_dir / f"{lane}.lock").read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _payloads(path: Path) -> list[bytes]:
    name = SegmentName.parse(path.name)
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # moved meanwhile
        return []
    return [frame.payload for frame in scan(data, name.marker).frames] if name else []


def _held(connection: Connection, table: Table, ids: list[str]) -> int:
    """How many of some ids a table holds."""
    parts = (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))
    return sum(
        connection.execute(
            select(func.count()).select_from(table).where(table.c.id.in_(part))
        ).scalar_one()
        for part in parts
    )
