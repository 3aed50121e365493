import re
from pathlib import Path

import pyarrow.parquet as pq

MEMBER = Path(__file__).parents[1]
README = (MEMBER / "README.md").read_text(encoding="utf-8")


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "README.md", "exec"), {})
    assert (
        capsys.readouterr().out == "cat, but it was dog\n1 predictions, 1 with their true labels\n"
    )
    assert pq.read_table("log.parquet")["feedback_label"].to_pylist() == ["dog"]


def test_the_readme_names_every_file():
    package = MEMBER / "src" / "mlopsproj_records"
    files = {path.name for path in package.glob("*.py")} - {"__init__.py"}
    named = re.findall(r"^\| `(\w+\.py)` \|", README, re.MULTILINE)
    assert sorted(named) == sorted(files)
