from datetime import UTC, datetime

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.written_time import written_time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31 12:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00+01:00", datetime(2026, 1, 31, 11, tzinfo=UTC)),
        (None, None),
    ],
)
def test_it_is_utc_unless_it_has_an_offset(text, time):
    assert written_time(text, "--since") == time
    assert time is None or written_time(text, "--since").tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["", "noon", "32", "2026-02-30", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"]
)
def test_what_is_none_is_named(text):
    with pytest.raises(ConfigError, match=r"--since is '.*', which is no time: write 2026"):
        written_time(text, "--since")
