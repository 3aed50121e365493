"""Imports what a start of an image imports, so that Python writes its bytecode: `imports.py IMAGE`.

Run once, while the image is built. Needs what the image installs, and nothing else.
"""

import sys
from importlib import import_module

AT_START = {
    "api": (
        "mlopsproj_api.cli",
        "mlopsproj_api.worker",
        "mlopsproj_api.report",
        "mlopsproj_api.supervisor",
        "mlopsproj_records.migration",
        "psycopg",
    ),
    "monitor": ("mlopsproj_monitor.cli", "mlopsproj_monitor.running", "psycopg"),
    "train": ("mlopsproj_train.train", "mlopsproj_train.pipeline"),
}

if __name__ == "__main__":
    for module in AT_START[sys.argv[1]]:
        import_module(module)
