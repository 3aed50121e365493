import re
from pathlib import Path

from mlopsproj_records import Database
from small_bundle import make_small_bundle


def test_the_example_in_the_readme_runs(
    tmp_path, monkeypatch, capsys, *, make_bundle_reference, make_sample, make_predictions
):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    make_small_bundle(tmp_path / "bundle", fill=make_bundle_reference)
    monkeypatch.chdir(tmp_path)
    sample = make_sample(2, 200, classes=2, dimensions=1, brightness_shift=2.0)
    with Database("sqlite:///mlopsproj.db") as database:
        database.insert(make_predictions(sample, model="brightness"))
    exec(compile(example, str(readme), "exec"), {})
    said = capsys.readouterr().out
    assert said.startswith("drift, p = ")
    assert "brightness rose" in said
