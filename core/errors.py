"""Every error that Attune raises on purpose.

    AttuneError
    ├── PersonError                 its sentence may be shown to the person who asked
    │   ├── QuestionTooLongError
    │   ├── UnknownCommandError
    │   ├── InvalidPreferenceError
    │   ├── LessonError             what a person wanted to teach or to forget
    │   └── PairingError            a code that lets nobody in
    ├── OperatorError               its sentence says what the operator can do; shown by the `attune` command
    │   ├── ConfigurationError
    │   ├── ModelError
    │   │   ├── UnknownModelError
    │   │   ├── DownloadError
    │   │   ├── CorruptModelError
    │   │   └── ModelUnavailableError   the server that ATTUNE_MODEL_URL names
    │   ├── QuestionFileError       what `attune eval` was given
    │   ├── ReceiverError           nothing is received from a platform just now
    │   ├── DocumentError           one document could not be read; the others go on
    │   ├── BackupError             a backup cannot be written, or is none, or there is something in its place
    │   └── StoreError
    │       ├── MemoryUnavailableError
    │       └── IndexUnavailableError
    └── PromptTooLongError          a mistake of ours: the engine has to keep to the budget

(`stored.UnreadableError` is none of them: it says of a record that it cannot be read, and whoever reads goes on.)

Messages are whole sentences: what is wrong, then what to do.
"""

from __future__ import annotations


class AttuneError(Exception):
    """The root: whatever is not under it is a bug."""


class PersonError(AttuneError):
    """Something the person who asked can put right."""


class QuestionTooLongError(PersonError):
    """A question over the limit."""


class UnknownCommandError(PersonError):
    """A `/command` that does not exist."""


class InvalidPreferenceError(PersonError):
    """A preference or a value that does not exist."""


class LessonError(PersonError):
    """A lesson that cannot be learned, found or changed."""


class PairingError(PersonError):
    """A pairing code that is wrong, used up or too old."""


class OperatorError(AttuneError):
    """Something the operator can put right."""


class ConfigurationError(OperatorError):
    """A setting that is unknown or has a value it cannot have."""


class ModelError(OperatorError):
    """A model cannot be had or used."""


class UnknownModelError(ModelError):
    """No built-in model, hub name or path goes by this name."""


class DownloadError(ModelError):
    """No source of a model could be reached, or the disk is full."""


class CorruptModelError(ModelError):
    """A model file is not what its hash promises."""


class ModelUnavailableError(ModelError):
    """The server with the language model does not answer, or breaks off."""


class QuestionFileError(OperatorError):
    """A file of questions cannot be used."""


class ReceiverError(OperatorError):
    """A platform's receiver does not receive."""


class DocumentError(OperatorError):
    """A document cannot be read."""


class BackupError(OperatorError):
    """A backup cannot be written or restored."""


class StoreError(OperatorError):
    """A store does not answer."""


class MemoryUnavailableError(StoreError):
    """Redis or Valkey does not answer."""


class IndexUnavailableError(StoreError):
    """The passage index does not answer."""


class PromptTooLongError(AttuneError):
    """A prompt leaves no room for an answer."""
