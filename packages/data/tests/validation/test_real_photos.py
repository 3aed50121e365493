"""On real photographs validation finds what is there, and nothing else."""

from pathlib import Path

import pyarrow as pa
import pytest
from mlopsproj_data.config import DataConfig, Source
from mlopsproj_data.examination import EXAMINED, examine
from mlopsproj_data.sources.recognition import open_source
from mlopsproj_data.splits import choose_split
from mlopsproj_data.validation.checks import check

PHOTOS = Path(__file__).resolve().parents[5] / "shared" / "data" / "sign-language-digits"


@pytest.mark.skipif(not PHOTOS.is_dir(), reason=f"needs the photographs in {PHOTOS}")
def test_photos_of_hands_give_no_false_alarm(tmp_path):
    """Similar photos of one person are no copies; three files were never made small."""
    config = DataConfig(source=Source.folders, path=str(PHOTOS), prepared_dir=str(tmp_path))
    source = open_source(config)
    rows = []
    for record in source.records():
        row = examine([record], source.spec)[0].facts
        rows.append(row | {"split": choose_split(row["id"], None, 0.1)})
    report = check(source, pa.Table.from_pylist(rows, schema=EXAMINED))
    assert report.errors == ()
    (found,) = report.findings
    assert found.check == "extreme size"
    assert {each.detail for each in found.offenders} == {"3024 x 3024 pixels"}
