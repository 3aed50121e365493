"""Sums the jobs of a workflow in one check: fails unless every job that it needs has succeeded.

`$NEEDS` is GitHub's `toJSON(needs)`. A job that was skipped or cancelled has not succeeded.
"""

import json
import os
import sys
from typing import Any


def failed(needs: dict[str, dict[str, Any]]) -> dict[str, str]:
    """The jobs that have not succeeded, each with how it ended, as GitHub words it."""
    results = {job: str(ended.get("result")) for job, ended in needs.items()}
    return {job: result for job, result in results.items() if result != "success"}


def main() -> int:
    """Say which jobs have not succeeded; 1 if there are any, or if nothing was summed."""
    needs = json.loads(os.environ.get("NEEDS") or "{}")
    if not needs:
        sys.stderr.write("No job is summed: $NEEDS must be toJSON(needs).\n")
        return 1
    for job, result in failed(needs).items():
        sys.stderr.write(f"{job}: {result}\n")
    return 1 if failed(needs) else 0


if __name__ == "__main__":
    sys.exit(main())
