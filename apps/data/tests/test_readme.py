import re
from pathlib import Path


def test_the_example_in_the_readme_runs(photos, tmp_path, monkeypatch, capsys):
    (photos / "dark" / "empty.png").write_bytes(b"")
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(readme), "exec"), {})
    assert capsys.readouterr().out == "error zero bytes ['dark/empty.png']\n"
    assert (tmp_path / "report" / "report.html").exists()
