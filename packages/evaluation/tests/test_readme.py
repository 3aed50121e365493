import re
from pathlib import Path

import pytest


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(example, str(readme), "exec"), names)
    accuracy, verdict = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"0\.\d{3} \(0\.\d{3} to 0\.\d{3}\)", accuracy)
    assert float(accuracy[:5]) == pytest.approx(names["new"].correct.mean(), abs=6e-4)
    assert names["new"].correct.mean() > names["old"].correct.mean()
    assert re.fullmatch(r"pass: \+\d\.\d points on 2000 images", verdict)
