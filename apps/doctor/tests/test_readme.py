import re
from pathlib import Path


def test_the_example_in_the_readme_runs(folder, capsys):
    readme = Path(__file__).parents[1] / "README.md"
    (example,) = re.findall(r"```python\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    exec(compile(example, str(readme), "exec"), {})
    groups = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert groups[0] == "machine"
    assert groups[-1] == "disk"
