import re
from pathlib import Path

import numpy as np
from PIL import Image
from small_bundle import make_small_bundle


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    make_small_bundle(tmp_path / "bundle")
    Image.fromarray(np.full((60, 80, 3), 255, dtype=np.uint8)).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(readme), "exec"), {})
    assert capsys.readouterr().out == "bright 1.000\n"
