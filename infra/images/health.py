"""Whether the service in this container lives: `python health.py PORT`, where $PORT is not set.

Ends with 0 where `/livez` is answered with 200. Needs nothing but Python.
"""

import os
import sys
import urllib.error
import urllib.request

TIMEOUT_SECONDS = 3
OK = 200


def lives(port: int) -> bool:
    """Whether the service at this port of the machine itself answers."""
    url = f"http://127.0.0.1:{port}/livez"
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            return bool(answer.status == OK)
    except (OSError, urllib.error.URLError):
        return False


if __name__ == "__main__":
    sys.exit(0 if lives(int(os.environ.get("PORT") or sys.argv[1])) else 1)
