"""A source that goes on where another one ends is prepared without decoding that one again."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from mlopsproj_core.errors import InvalidDataError
from mlopsproj_data import preparation
from mlopsproj_data.crew import examine_all
from mlopsproj_data.preparation import prepare_source
from mlopsproj_data.records import Record


@pytest.fixture
def going_on(make_source):
    """A source, and the same with more records behind it."""

    def make(records, more, **settings):
        base = make_source(records, **settings)
        whole = make_source([*records, *more], **settings)
        return base, replace(whole, base=base)

    return make


@pytest.fixture
def examined(monkeypatch) -> list[str]:
    """Origins of all records that are decoded."""
    seen = []

    def watched(records, spec):
        def told():
            for record in records:
                seen.append(record.origin)
                yield record

        return examine_all(told(), spec)

    monkeypatch.setattr(preparation, "examine_all", watched)
    return seen


def prepare(source, folder, **options):
    return prepare_source(source, folder, validation_fraction=0.2, **options)


def contents(dataset):
    """All that training sees: for each id its split, label and pixels."""
    return {
        id_: (split, int(label), image.tobytes())
        for split in dataset.counts
        for labelled in [dataset.labelled(split)]
        for id_, label, image in zip(labelled.ids, labelled.labels, labelled.images, strict=True)
    }


def test_only_what_is_new_is_decoded_and_the_rest_is_the_same(
    going_on, make_records, tmp_path, examined
):
    records, more = make_records(80), make_records(20, seed=1)
    base, whole = going_on(records, more)
    prepare(base, tmp_path / "a")
    examined.clear()
    after = prepare(whole, tmp_path / "a")
    assert examined == [record.origin for record in more]
    alone = prepare(replace(whole, base=None), tmp_path / "b")
    assert after.fingerprint == alone.fingerprint
    assert contents(after) == contents(alone)
    assert after.report == alone.report
    for name in ("images.parquet", "rows.parquet"):
        assert pq.read_table(after.folder / name) == pq.read_table(alone.folder / name)
    assert not list((tmp_path / "a").glob(".*draft"))


def test_what_was_prepared_before_stays_as_it_is(going_on, make_records, tmp_path):
    base, whole = going_on(make_records(80), make_records(20, seed=1))
    before = contents(prepare(base, tmp_path))
    after = contents(prepare(whole, tmp_path))
    assert {id_: after[id_] for id_ in before} == before
    assert contents(prepare(base, tmp_path)) == before


def test_it_goes_on_again_and_again(going_on, make_records, tmp_path, examined):
    records, more, most = make_records(80), make_records(20, seed=1), make_records(9, seed=2)
    base, second = going_on(records, more)
    _, third = going_on([*records, *more], most)
    prepare(base, tmp_path)
    prepare(second, tmp_path)
    examined.clear()
    prepare(replace(third, base=replace(second, base=None)), tmp_path)
    assert examined == [record.origin for record in most]


def test_records_that_were_left_out_are_looked_at_again(going_on, make_records, tmp_path, examined):
    records = make_records(80)
    copy = replace(records[3], origin="copy")
    bad = Record(b"no image", 0, None, None, "bad")
    base, whole = going_on([*records, copy, bad], make_records(20, seed=1))
    prepare(base, tmp_path / "a", drop_invalid=True)
    examined.clear()
    after = prepare(whole, tmp_path / "a", drop_invalid=True)
    assert sorted(examined[:2]) == ["bad", "copy"]
    assert len(examined) == 22
    alone = prepare(replace(whole, base=None), tmp_path / "b", drop_invalid=True)
    assert (after.fingerprint, after.dropped) == (alone.fingerprint, alone.dropped)
    assert contents(after) == contents(alone)
    with pytest.raises(InvalidDataError, match="bad"):
        prepare(whole, tmp_path / "a")


def test_classes_that_were_left_out_are_numbered_as_the_source_numbers_them(
    going_on, make_records, tmp_path
):
    records = [replace(record, label=record.label * 2) for record in make_records(80)]
    more = [replace(record, label=1) for record in make_records(30, seed=1)]
    base, whole = going_on(records, more, classes=("even", "odd", "third"))
    prepare(base, tmp_path / "a", drop_invalid=True)
    after = prepare(whole, tmp_path / "a", drop_invalid=True)
    alone = prepare(replace(whole, base=None), tmp_path / "b", drop_invalid=True)
    assert after.classes == alone.classes == ("even", "odd", "third")
    assert contents(after) == contents(alone)


def test_an_image_that_the_base_holds_stays_where_its_group_is(going_on, make_records, tmp_path):
    records = make_records(80, groups=tuple(f"g{number}" for number in range(20)))
    again = [replace(record, group=None, origin=f"again {record.origin}") for record in records]
    base, whole = going_on(records, again)
    before = prepare(base, tmp_path)
    after = prepare(whole, tmp_path)
    assert contents(after) == contents(before)
    assert after.dropped["duplicate"] == len(again)


def test_an_interruption_loses_nothing(going_on, make_records, tmp_path, examined, monkeypatch):
    base, whole = going_on(make_records(80), make_records(64, seed=1))
    prepare(base, tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(preparation, "write_dataset", lambda *_: (_ for _ in ()).throw(OSError(28)))
        with pytest.raises(Exception, match="cannot be written"):
            prepare(whole, tmp_path / "a")
    examined.clear()
    after = prepare(whole, tmp_path / "a")
    assert examined == []
    alone = prepare(replace(whole, base=None), tmp_path / "b")
    assert contents(after) == contents(alone)


def test_a_base_of_an_earlier_release_is_decoded_again(going_on, make_records, tmp_path, examined):
    base, whole = going_on(make_records(80), make_records(20, seed=1))
    (prepare(base, tmp_path).folder / "rows.parquet").unlink()
    examined.clear()
    prepare(whole, tmp_path)
    assert len(examined) == 100


def test_rows_tell_which_record_each_image_is(make_source, make_records, tmp_path):
    records = make_records(60, splits=("train", "train", "test", "test"))
    dataset = prepare(make_source(records), tmp_path)
    rows = pq.read_table(dataset.folder / "rows.parquet").to_pylist()
    sources = pq.read_table(dataset.folder / "images.parquet")["source"].to_pylist()
    assert [records[row["row"]].origin for row in rows] == sources
    assert [row["given"] for row in rows] == [records[row["row"]].split for row in rows]
    assert np.all(np.diff([row["row"] for row in rows]) > 0)
