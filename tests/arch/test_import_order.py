"""The order of imports does not depend on what a user keeps in the clone."""

import shutil
import subprocess

from ruff import find_ruff_bin

SCRIPT = "compression.py"  # imports the module `photos`, beside it


def test_a_folder_of_photos_in_the_clone_changes_no_order(tmp_path, root):
    shutil.copy(root / "pyproject.toml", tmp_path)
    (tmp_path / "benchmarks").mkdir()
    shutil.copy(root / "benchmarks" / SCRIPT, tmp_path / "benchmarks")
    assert "from photos import" in (tmp_path / "benchmarks" / SCRIPT).read_text()
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    (tmp_path / "photos" / "cat" / "1.png").touch()
    command = (find_ruff_bin(), "check", "--no-cache", "--select=I", ".")
    told = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout
