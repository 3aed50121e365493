"""Known vulnerabilities: `python infra/security/vulnerabilities.py` asks OSV about what is locked.

`uv audit` names each distribution and version of `uv.lock`, which the session `lock` holds against
`requirements.txt`, to the index of vulnerabilities, and tells what that knows. Where the index
cannot be asked nothing is known, and the exit code says so: it is neither 0 nor that of a finding.
Knows nothing of whether a vulnerable part is used.
"""

import argparse
import json
import subprocess
import sys
from typing import Any, Final

from uv import find_uv_bin

INDEX: Final = "https://api.osv.dev/"

CLEAN, FAILED, FOUND, UNKNOWN = 0, 1, 3, 4

_PREVIEW = "audit-command,json-output"
# What uv says where it got no answer; another failure is not taken for an index that is away.
_NO_ANSWER = "error sending request"


def audit(index: str) -> subprocess.CompletedProcess[str]:
    """What uv finds in the lock."""
    return subprocess.run(  # noqa: S603 (uv, with arguments of our own)
        [
            *(find_uv_bin(), "audit", "--frozen", f"--preview-features={_PREVIEW}"),
            *("--output-format=json", f"--service-url={index}"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def lines(report: dict[str, Any]) -> list[str]:
    """Each finding of a report in one line."""
    found = []
    for each in report["vulnerabilities"]:
        distribution = each["dependency"]
        fixed = ", ".join(each["fix_versions"]) or "no version"
        found.append(
            f"{distribution['name']} {distribution['version']}: {each['display_id']},"
            f" {each['summary'] or 'without a summary'} (mended in {fixed}; {each['link']})"
        )
    # What its index says of a distribution as a whole: withdrawn, or in quarantine.
    found += [
        f"status of a distribution: {json.dumps(each)}" for each in report["adverse_statuses"]
    ]
    return found


def main() -> int:
    """Tell what is known; give the exit code."""
    parser = argparse.ArgumentParser(description="Look for known vulnerabilities of the lock.")
    parser.add_argument("--index", default=INDEX, help="URL of OSV's API; %(default)s unless given")
    arguments = parser.parse_args()
    ended = audit(arguments.index)
    try:
        report = json.loads(ended.stdout)
        found, count = lines(report), report["summary"]["audited_packages"]
    except (ValueError, KeyError, TypeError):
        print(ended.stderr.strip() or ended.stdout.strip())
        if _NO_ANSWER in ended.stderr:
            print(f"NOT CHECKED: {arguments.index} does not answer; nothing is known.")
            return UNKNOWN
        print("uv audit did not report what was expected of it.")
        return FAILED
    for line in found:
        print(line)
    if found:
        return FOUND
    if ended.returncode:
        print(ended.stderr.strip())
        return FAILED
    print(f"{arguments.index} knows of no vulnerability of {count} distributions.")
    return CLEAN


if __name__ == "__main__":
    sys.exit(main())
