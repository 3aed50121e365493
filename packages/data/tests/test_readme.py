import re
from pathlib import Path


def test_the_example_in_the_readme_runs(tmp_path, monkeypatch, capsys):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, str(readme), "exec"), {})
    assert capsys.readouterr().out == (
        "fashion-mnist {'train': 10821, 'validation': 1179, 'test': 2000}\n"
        "(2000, 28, 28, 1) T-shirt/top\n"
    )
