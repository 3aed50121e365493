import re
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_the_example_in_the_readme_runs(shop, server, there, monkeypatch, capsys):
    (example,) = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    for given, ours in (("./registry", shop.registry.url), ("my-team", "team")):
        assert given in example
        example = example.replace(given, ours)
    shop.put(shop.publish())
    code = compile(example, str(README), "exec")
    exec(code, {})
    assert capsys.readouterr().out == "('brightness:1',)\n"
    shop.publish(parity=None)
    exec(code, {})
    there.move("production", 2)
    exec(code, {})
    assert capsys.readouterr().out == "('brightness:2',)\n()\nbrightness@production refused\n"


def test_every_module_is_told():
    told = set(re.findall(r"^\| `(\w+\.py)`", README.read_text(encoding="utf-8"), re.MULTILINE))
    folder = README.parent / "src" / "mlopsproj_mirror"
    assert told == {path.name for path in folder.glob("*.py")} - {"__init__.py"}
