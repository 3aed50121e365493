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

A message says what, which value, and how to mend it; a class says after `Mend:` what always helps.
Knows nothing of HTTP.
"""

from typing import ClassVar


class MlopsprojError(Exception):
    """Root of the tree; a command prints its message and ends with `exit_code`."""

    exit_code: ClassVar[int] = 1


class ConfigError(MlopsprojError):
    """A setting, key or argument cannot be used.

    Mend: give the value that the message asks for; `--help`, or `settings` of a service, shows what
    there is.
    """

    exit_code = 2


class ImageError(MlopsprojError):
    """Bytes or an array are no usable image.

    Mend: send a whole image file of a known format, e.g. JPEG or PNG, and not larger than the
    limits.
    """


class DataError(MlopsprojError):
    """A source or prepared data set cannot be read or written.

    Mend: see that the path is right, that it can be read and written, and that the disk has room;
    then run the command again, which goes on where it was.
    """


class InvalidDataError(DataError):
    """Validation found errors in the images or their labels: the answer is no.

    Mend: correct what the report names, or leave it out by `data.drop_invalid=true`
    (`--drop-invalid`).
    """

    exit_code = 3


class BundleError(MlopsprojError):
    """A bundle must not be served.

    Mend: serve another version, or export and publish this one again.
    """


class BundleCorruptError(BundleError):
    """A file of the bundle is missing, changed or unreadable.

    Mend: copy it again from a backup, or publish a new version; `registry verify` names all that is
    broken.
    """


class BundleSchemaError(BundleError):
    """The bundle was written with a schema that this release does not read.

    Mend: serve it with the release that its manifest names, or export it again with this one.
    """


class ProbeError(BundleError):
    """This machine decodes or computes otherwise than the bundle expects.

    Mend: serve it on a machine like the one that it was made on, or choose a float version instead
    of an int8 one.
    """


class RegistryError(MlopsprojError):
    """The registry refuses or cannot be reached.

    Mend: see that the URL is right and that this machine may read and write there; `doctor` tries
    it.
    """


class NotFoundError(RegistryError):
    """The registry has no such model, version or alias.

    Mend: `registry list` shows what there is; without a model, `train` makes one.
    """


class StaleError(RegistryError):
    """An alias moved since it was looked at.

    Mend: look where the alias points now, and ask again if you still want to move it.
    """


class EventError(MlopsprojError):
    """Nobody took an event.

    Mend: see that the receiver that `MLOPSPROJ_EVENT_URL` names runs and takes it. What happened
    stands in the registry all the same.
    """


class MirrorError(MlopsprojError):
    """The mirror of the registry refuses or cannot be reached; the registry itself is whole.

    Mend: see that W&B can be reached, that the key is valid and the name of the registry right;
    then push or pull again.
    """


class RecordsError(MlopsprojError):
    """The prediction log or its database cannot be used.

    Mend: see that the database that `MLOPSPROJ_DATABASE_URL` names is the right one, and that the
    disk has room; `doctor` looks at both.
    """


class NotDurableError(RecordsError):
    """A record could be kept neither in the spool nor in the database.

    Mend: make room on the disk of the spool, or bring the database back; then ask again.
    """


class DatabaseAwayError(RecordsError):
    """The database cannot be reached.

    Mend: start the database, or correct `MLOPSPROJ_DATABASE_URL`; what was answered waits in the
    spool.
    """


class MigrationError(RecordsError):
    """The schema of the database is not the one of this release.

    Mend: run `api migrate`, or the release that the schema belongs to.
    """


class ServingError(MlopsprojError):
    """A request is not answered now; the same request may be answered later.

    Mend: ask again a little later.
    """


class OverloadedError(ServingError):
    """The queue of images is full.

    Mend: ask again after `retry_after_seconds`; if it happens often, add workers or machines.

    Attributes:
        retry_after_seconds: in which there may be room, at least 1.
    """

    def __init__(self, message: str, *, retry_after_seconds: int = 1) -> None:
        """With a message, and when to try again."""
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class DeadlineError(ServingError):
    """The time of a request ran out before it was computed.

    Mend: ask again; if it happens often, send fewer images at once or give more time.
    """


class NoModelError(ServingError):
    """No model is loaded that could answer.

    Mend: promote a version, and wait until it is loaded; `/readyz` says when.
    """


class ParityError(MlopsprojError):
    """The exported graph disagrees with the network that it was exported from.

    Mend: train in float32, or take another network; nothing was published.
    """


class CompressionError(MlopsprojError):
    """A smaller or faster variant of a model cannot be made.

    Mend: leave out the kind of variant that the message names, or try another model.
    """


class TrainingError(MlopsprojError):
    """A run cannot start, go on or be resumed.

    Mend: change the setting that the message names; after an interruption, `resume=` goes on.
    """


class GateRefusedError(MlopsprojError):
    """A gate failed: the answer is no.

    Mend: train a better version; `--force REASON` promotes what is not broken all the same, and is
    recorded.
    """

    exit_code = 3


class UndecidedError(MlopsprojError):
    """The evidence does not suffice for a verdict.

    Mend: judge on as many images as the message asks for, or give `--accept-undecided REASON`.
    """

    exit_code = 4
