import re
from pathlib import Path

from mlopsproj_core.registry import Registry
from small_bundle import make_small_bundle

README = Path(__file__).parents[1] / "README.md"


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys, image):
    text = README.read_text(encoding="utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    registry = Registry("./registry")
    registry.publish(make_small_bundle(tmp_path / "bundle"))
    registry.move_alias("brightness", "production", 1, actor="test", reason="first")
    Path("photo.jpg").write_bytes(image(250))
    exec(compile(example, str(README), "exec"), {})
    best, bad = capsys.readouterr().out.splitlines()
    assert best == "bright"
    assert "image" in bad
