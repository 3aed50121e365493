"""Who moves an alias, as its history tells."""

import getpass
import os


def current_actor() -> str:
    """Name of the user that this process runs as, else its number.

    A container often runs as a number that no passwd entry names.
    """
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # without pwd, before Python 3.13, and since
        return f"uid {os.getuid()}" if hasattr(os, "getuid") else "unknown"
