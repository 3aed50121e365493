"""Every error that a user can cause or meet, in one tree.

MlopsprojError
├── ConfigError          a setting, key or argument that cannot be used (exit code 2)
├── ImageError           bytes or an array that are no usable image
├── DataError            a source or prepared data set that cannot be read or written
├── BundleError          a bundle that must not be served
│   ├── BundleCorruptError   a file is missing, changed or unreadable
│   ├── BundleSchemaError    written by a newer (or too old) release
│   └── ProbeError           this machine decodes or computes otherwise than expected
├── RegistryError        the registry refuses or cannot be reached
│   ├── NotFoundError        no such model, version or alias
│   └── StaleError           an alias moved since it was looked at
├── EventError           nobody took an event
├── ParityError          the exported graph disagrees with the network
├── TrainingError        a run that cannot start, go on or be resumed
├── GateRefusedError     a gate failed (exit code 3)
└── UndecidedError       not enough evidence for a verdict (exit code 4)

A message says what, which value, and how to mend it. Knows nothing of HTTP.
"""

from typing import ClassVar


class MlopsprojError(Exception):
    """Root of the tree; a command prints its message and ends with `exit_code`."""

    exit_code: ClassVar[int] = 1


class ConfigError(MlopsprojError):
    """A setting, key or argument cannot be used."""

    exit_code = 2


class ImageError(MlopsprojError):
    """Bytes or an array are no usable image."""


class DataError(MlopsprojError):
    """A source or prepared data set cannot be read or written."""


class BundleError(MlopsprojError):
    """A bundle must not be served."""


class BundleCorruptError(BundleError):
    """A file of the bundle is missing, changed or unreadable."""


class BundleSchemaError(BundleError):
    """The bundle was written with a schema that this release does not read."""


class ProbeError(BundleError):
    """This machine decodes or computes otherwise than the bundle expects."""


class RegistryError(MlopsprojError):
    """The registry refuses or cannot be reached."""


class NotFoundError(RegistryError):
    """The registry has no such model, version or alias."""


class StaleError(RegistryError):
    """An alias moved since it was looked at."""


class EventError(MlopsprojError):
    """Nobody took an event."""


class ParityError(MlopsprojError):
    """The exported graph disagrees with the network that it was exported from."""


class TrainingError(MlopsprojError):
    """A run cannot start, go on or be resumed."""


class GateRefusedError(MlopsprojError):
    """A gate failed: the answer is no."""

    exit_code = 3


class UndecidedError(MlopsprojError):
    """The evidence does not suffice for a verdict."""

    exit_code = 4
