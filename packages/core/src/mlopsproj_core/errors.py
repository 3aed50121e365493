"""Every error that a user can cause or meet, in one tree.

MlopsprojError
├── ConfigError          a setting, key or argument that cannot be used (exit code 2)
├── ImageError           bytes or an array that are no usable image
├── DataError            a source or prepared data set that cannot be read or written
│   └── InvalidDataError     validation found errors in the images or labels (exit code 3)
├── BundleError          a bundle that must not be served
│   ├── BundleCorruptError   a file is missing, changed or unreadable
│   ├── BundleSchemaError    written by a newer (or too old) release
│   └── ProbeError           this machine decodes or computes otherwise than expected
├── RegistryError        the registry refuses or cannot be reached
│   ├── NotFoundError        no such model, version or alias
│   └── StaleError           an alias moved since it was looked at
├── EventError           nobody took an event
├── MirrorError          the mirror of the registry refuses or cannot be reached
├── RecordsError         the prediction log or its database cannot be used
│   ├── NotDurableError      a record could be kept neither in the spool nor in the database
│   ├── DatabaseAwayError    the database cannot be reached
│   └── MigrationError       the database's schema is not that of this release
├── ServingError         a request that is not answered now
│   ├── OverloadedError      the queue is full
│   ├── DeadlineError        the request's time ran out before it was computed
│   └── NoModelError         nothing is loaded that could answer
├── ParityError          the exported graph disagrees with the network
├── CompressionError     a smaller variant of a model that cannot be made
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


class InvalidDataError(DataError):
    """Validation found errors in the images or their labels: the answer is no."""

    exit_code = 3


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


class MirrorError(MlopsprojError):
    """The mirror of the registry refuses or cannot be reached; the registry itself is whole."""


class RecordsError(MlopsprojError):
    """The prediction log or its database cannot be used."""


class NotDurableError(RecordsError):
    """A record could be kept neither in the spool nor in the database."""


class DatabaseAwayError(RecordsError):
    """The database cannot be reached."""


class MigrationError(RecordsError):
    """The schema of the database is not the one of this release."""


class ServingError(MlopsprojError):
    """A request is not answered now; the same request may be answered later."""


class OverloadedError(ServingError):
    """The queue of images is full.

    Attributes:
        retry_after_seconds: in which there may be room, at least 1.
    """

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        """With a message, and when to try again."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineError(ServingError):
    """The time of a request ran out before it was computed."""


class NoModelError(ServingError):
    """No model is loaded that could answer."""


class ParityError(MlopsprojError):
    """The exported graph disagrees with the network that it was exported from."""


class CompressionError(MlopsprojError):
    """A smaller or faster variant of a model cannot be made."""


class TrainingError(MlopsprojError):
    """A run cannot start, go on or be resumed."""


class GateRefusedError(MlopsprojError):
    """A gate failed: the answer is no."""

    exit_code = 3


class UndecidedError(MlopsprojError):
    """The evidence does not suffice for a verdict."""

    exit_code = 4
