"""Where W&B is: how its address is shown, and whether anybody is there.

Knows nothing of what is asked of it.
"""

import re
import socket
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from mlopsproj_core.errors import MirrorError

_REACH_SECONDS: Final = 5.0
_USER = re.compile(r"(?<=://)[^/\s]*@")


def without_user(text: str) -> str:
    """A text whose addresses name no user and no password."""
    return _USER.sub("", text)


def reach(address: str) -> None:
    """Fail at once where the SDK would try for more than a minute.

    Behind a proxy nobody looks: the proxy alone knows the way.

    Args:
        address: of the service.

    Raises:
        MirrorError: if nobody is there.
    """
    url = urlsplit(address)
    try:
        host, port = url.hostname or "", url.port or (443 if url.scheme == "https" else 80)
        proxies = getproxies()
        if (proxies.get(url.scheme) or proxies.get("all")) and not proxy_bypass(host):
            return
        socket.create_connection((host, port), timeout=_REACH_SECONDS).close()
    except (OSError, ValueError) as error:
        raise MirrorError(
            f"W&B cannot be reached at {without_user(address)} ({error}): check the network and"
            " WANDB_BASE_URL. `registry mirror push` brings the mirror up to date later."
        ) from error
