import re
from pathlib import Path

from mlopsproj_core.registry import Registry
from small_bundle import make_small_bundle


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    registry = Registry("./registry")
    bundle = make_small_bundle(tmp_path / "bundle")
    for _ in range(2):
        registry.publish(bundle)
    registry.move_alias("brightness", "production", 1, actor="test", reason="first")
    exec(compile(example, str(readme), "exec"), {})
    assert capsys.readouterr().out == "brightness 1 1.0 ['production']\nbrightness 2 1.0 []\n"
