from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_which_versions_have_answered_and_when(database, predicted):
    logged = [
        predicted(model=("a", "b")[n % 2], version=1 + n % 3, time=START - timedelta(hours=n))
        for n in range(20)
    ]
    copied = predicted(model="a", version=1, time=START + timedelta(days=9), shadow_of="other")
    assert database.insert([*logged, copied]) == []
    extents = database.extents()
    expected = {}
    for record in logged:
        expected.setdefault((record.model, record.version), []).append(record.time)
    assert [(e.model, e.version) for e in extents] == sorted(expected)
    for extent in extents:
        times = expected[extent.model, extent.version]
        assert (extent.first, extent.last) == (min(times), max(times))
    assert database.extents("b") == [e for e in extents if e.model == "b"]
    assert database.extents("c") == []


def test_a_version_that_was_only_ever_a_shadow_has_not_answered(database, predicted):
    database.insert([predicted(version=1), predicted(version=2, shadow_of="x")])
    assert [extent.version for extent in database.extents()] == [1]


def test_an_empty_log_has_no_extent(database):
    assert database.extents() == []
