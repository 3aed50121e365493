"""The socket that a service listens on.

Knows nothing of who answers.
"""

import errno
import socket
import sys

from mlopsproj_core.errors import ConfigError, ServingError

BACKLOG = 2048
"""Connections that may wait to be taken; Linux allows `net.core.somaxconn` of them."""


def listen(host: str, port: int, *, service: str) -> socket.socket:
    """Bind and listen.

    Args:
        host: name or address of this machine.
        port: 0 takes a free one.
        service: name of its command, and in capitals of its settings.

    Raises:
        ConfigError: if the host is none of this machine, or the port needs rights.
        ServingError: if the port is taken.
    """
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise ConfigError(
            f"MLOPSPROJ_{service.upper()}_HOST is {host!r}, which is no address: {error.strerror}."
        ) from error
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":  # where a port that may be reused is taken from who has it
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise _explained(error, host, port, service) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Where a client on this machine reaches the service."""
    host, port = listener.getsockname()[:2]
    if host in {"0.0.0.0", "::"}:  # noqa: S104 (compared, not bound)
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explained(error: OSError, host: str, port: int, service: str) -> ConfigError | ServingError:
    if error.errno == errno.EADDRINUSE:
        return ServingError(
            f"Port {port} of {host} is taken: end what listens there, or give another by --port."
        )
    if error.errno == errno.EACCES:
        return ConfigError(f"Port {port} needs rights that you lack: give one above 1023.")
    return ConfigError(f"The {service} cannot listen on {host}, port {port}: {error.strerror}.")
