"""Every error that Attune raises on purpose.

    AttuneError
    ├── PersonError                 its message may be shown to the person who asked
    │   ├── QuestionTooLongError
    │   ├── UnknownCommandError
    │   ├── InvalidPreferenceError
    │   ├── LessonError             a lesson that cannot be learned, found or changed
    │   ├── PairingError            a code that lets nobody in
    │   └── BusyError               a program asks for more than can be answered now
    ├── OperatorError               its message says what the operator can do; shown by the `attune` command
    │   ├── ConfigurationError
    │   ├── ModelError
    │   │   ├── UnknownModelError
    │   │   ├── DownloadError
    │   │   ├── CorruptModelError
    │   │   └── ModelUnavailableError   the server that ATTUNE_MODEL_URL names
    │   ├── QuestionFileError       the file given to `attune eval`
    │   ├── ReceiverError           nothing is being received from a platform
    │   ├── DocumentError           one document could not be read; the others go on
    │   ├── BackupError             a backup cannot be written or restored
    │   ├── MoveError               an index cannot be moved
    │   └── StoreError
    │       ├── MemoryUnavailableError
    │       └── IndexUnavailableError
    └── PromptTooLongError          a bug: the engine has to keep to the budget

(`stored.UnreadableRecordError` is not one of them: it marks one record that cannot be read, and the reader goes on.)

Messages are whole sentences: what is wrong, then what to do.
"""

from __future__ import annotations


class AttuneError(Exception):
    """The root: whatever is not under it is a bug."""


class PersonError(AttuneError):
    """Something that the person who asked can correct: a sentence, to be translated, and what is put into it."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.values = values

    def __str__(self) -> str:
        return self.sentence.format(**self.values) if self.values else self.sentence


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


class BusyError(PersonError):
    """More is asked than can be answered now; `own` where it is the asker's own doing. Worth a try in `seconds`."""

    def __init__(self, sentence: str, *, own: bool, seconds: float) -> None:
        super().__init__(sentence)
        self.own = own
        self.seconds = seconds


class OperatorError(AttuneError):
    """Something that the operator can correct."""


class ConfigurationError(OperatorError):
    """A setting that is unknown or has an invalid value."""


class ModelError(OperatorError):
    """A model cannot be obtained or used."""


class UnknownModelError(ModelError):
    """No built-in model, hub name or path goes by this name."""


class DownloadError(ModelError):
    """No source of a model could be reached, or the disk is full."""


class CorruptModelError(ModelError):
    """A model file does not match its hash."""


class ModelUnavailableError(ModelError):
    """The server with the language model does not respond, or breaks off."""


class QuestionFileError(OperatorError):
    """A file of questions cannot be used."""


class ReceiverError(OperatorError):
    """A platform's receiver does not receive."""


class DocumentError(OperatorError):
    """A document cannot be read."""


class BackupError(OperatorError):
    """A backup cannot be written or restored."""


class MoveError(OperatorError):
    """An index cannot be moved."""


class StoreError(OperatorError):
    """A store does not respond."""


class MemoryUnavailableError(StoreError):
    """Redis or Valkey does not respond."""


class IndexUnavailableError(StoreError):
    """The passage index does not respond."""


class PromptTooLongError(AttuneError):
    """A prompt leaves no room for an answer."""
