"""What people wrote for training → `Item`s, or every line that is none with what is wrong with it.

JSON Lines: an object a line, about one passage of the pool or some neighbouring ones, or about passages that stand in
the line themselves. README.md says what to write.

    {"id": "3f2a90c1", "qa": [{"q": "how long is leave?", "a": "You have 20 days a year.", "s": "20 days"}],
     "no": ["can i sell leave back"]}

Beside "qa" and "no": "x" (an answer of "qa" said otherwise), "turns" (a conversation), "make" (texts) and "quiz".
Knows nothing of prompts or of what is made of an item.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from core.domain import Passage
from core.errors import OperatorError
from core.people.preferences import Format, Language, Length, Level, Preferences, Tone

SHOWN = 10  # lines that are complained of: whoever has more of them has one mistake in all
OPTIONS = "ABCD"
ASKED_IN = "q_"  # "q_german": the question of "german", asked in German, too

LANGUAGES = tuple(language.value for language in Language if language not in {Language.AUTO, Language.ENGLISH})
WISHES: Mapping[str, Preferences] = MappingProxyType(
    {
        "detailed": Preferences(length=Length.DETAILED),
        "bullets": Preferences(format=Format.BULLETS),
        "steps": Preferences(format=Format.STEPS),
        "beginner": Preferences(level=Level.BEGINNER),
        "expert": Preferences(level=Level.EXPERT),
        "friendly": Preferences(tone=Tone.FRIENDLY),
        "formal": Preferences(tone=Tone.FORMAL),
    }
    | {language: Preferences(language=Language(language)) for language in LANGUAGES}
)
"""What a person set who is answered so: the keys of "x"."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class ItemFileError(OperatorError):
    """A file of items cannot be used."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Question(_Strict):
    """A question that the passages answer, with its answer in full and, where there is one, the shortest.

    `need` are the passages that the answer takes; none named: all of the item's. `kind` and `lang` are for whoever
    counts.
    """

    q: Text
    a: Text
    s: str = ""
    need: tuple[str, ...] = ()
    kind: str = Field("", alias="k")
    lang: str = ""


class Exchange(_Strict):
    """A question and its answer within a conversation."""

    q: Text
    a: Text
    s: str = ""


class Rewording(_Strict):
    """The answer of the question number `of`, said as `WISHES` name it, and a question that follows it."""

    of: int = Field(0, ge=0)
    said: dict[str, Text] = {}
    asked: dict[str, Text] = {}  # the question in the language of the answer
    follow: Exchange | None = None

    @model_validator(mode="before")
    @classmethod
    def _gathered(cls, values: Any) -> Any:
        """In a file, the ways stand beside "of" and "follow"."""
        if not isinstance(values, dict):
            return values
        said = {way: values[way] for way in WISHES if values.get(way)}
        asked = {way: values[ASKED_IN + way] for way in LANGUAGES if values.get(ASKED_IN + way)}
        known = {*WISHES, *(ASKED_IN + way for way in LANGUAGES)}
        return {key: value for key, value in values.items() if key not in known} | {"said": said, "asked": asked}

    @model_validator(mode="after")
    def _complete(self) -> Self:
        for language in self.asked:
            if language not in self.said:
                raise ValueError(f'it asks in {language} and has no answer "{language}"')
        return self


class WrittenText(_Strict):
    """A request for a text from the documents, and the text."""

    ask: Text
    out: Text
    kind: str = Field("", alias="k")


class Quiz(_Strict):
    """A quiz question with four options; `right` is the place of the right one, from 0."""

    q: Text
    options: tuple[Text, Text, Text, Text]
    right: int = Field(ge=0, lt=len(OPTIONS))
    why: Text
    level: Level = Level.PRACTITIONER

    @property
    def text(self) -> str:
        """As the reader is to write it."""
        options = [f"{letter}. {option}" for letter, option in zip(OPTIONS, self.options, strict=True)]
        return "\n".join([f"Question: {self.q}", *options, f"Right: {OPTIONS[self.right]}", f"Why: {self.why}"])


class OwnPassage(_Strict):
    """A passage that stands in the line; `heading` is title and headings, with › between them."""

    heading: Text
    text: Text


class Item(_Strict):
    """What was written about the passages `ids`, which stand one behind the other in one document.

    Where it brings `passages` of its own, these are their places, from 0, until `placed` makes ids of them.
    """

    ids: tuple[str, ...] = Field(min_length=1, validation_alias=AliasChoices("ids", "id"))
    passages: tuple[OwnPassage, ...] = ()
    qa: tuple[Question, ...] = ()
    no: tuple[Text, ...] = ()
    x: tuple[Rewording, ...] = ()
    turns: tuple[Exchange, ...] = ()
    make: tuple[WrittenText, ...] = ()
    quiz: tuple[Quiz, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _listed(cls, values: Any) -> Any:
        """One id and one rewording may stand alone; passages of its own are named by their places."""
        if not isinstance(values, dict):
            return values
        if isinstance(values.get("passages"), list) and not values.keys() & {"id", "ids"}:
            values = values | {"ids": list(range(len(values["passages"])))}
        alone = {key: [value] for key, value in values.items() if key in {"id", "x"} and not isinstance(value, list)}
        return values | {key: [] if value == [None] else value for key, value in alone.items()}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not (self.qa or self.no or self.turns or self.make or self.quiz):
            raise ValueError('it has nothing to learn from: give it "qa", "no", "turns", "make" or "quiz"')
        if self.passages and self.ids != tuple(str(place) for place in range(len(self.passages))):
            raise ValueError('it has both "passages" and ids: leave one of them out')
        for rewording in self.x:
            if rewording.of >= len(self.qa):
                raise ValueError(f'"of" is {rewording.of}, and "qa" has {len(self.qa)} (the first one is 0)')
        if strange := {id_ for question in self.qa for id_ in question.need} - set(self.ids):
            raise ValueError(f'"need" names {min(strange)}, which is none of its ids')
        return self

    def placed(self, source: str) -> Item:
        """The same, with ids that are its own where it brings its passages; `source` is its place among all items."""
        if not self.passages:
            return self
        ids = tuple(f"{source}:{place}" for place in self.ids)
        qa = tuple(one.model_copy(update={"need": tuple(f"{source}:{place}" for place in one.need)}) for one in self.qa)
        return self.model_copy(update={"ids": ids, "qa": qa})

    def brought(self) -> Iterator[Passage]:
        """The passages that it brings, once it is placed."""
        for ordinal, (id_, own) in enumerate(zip(self.ids, self.passages, strict=False)):
            title, *headings = own.heading.split(" › ")
            source = id_.rpartition(":")[0]
            yield Passage(id_, source, title, tuple(headings), own.text, 1, ordinal, len(self.passages), "")


def read_items(file: Path) -> list[Item]:
    """The items of `file`, in order, each placed.

    Raises:
        ItemFileError: it cannot be read, has no items, or has lines that are none.
    """
    items: list[Item] = []
    wrong: list[str] = []
    for number, line in enumerate(_text(file).split("\n"), start=1):  # splitlines would also split at U+2028
        if line.strip():
            try:
                items.append(Item.model_validate_json(line).placed(f"{file.stem}:{number}"))
            except ValidationError as error:
                wrong.append(f"line {number}: {_reason(error)}")
    if wrong:
        raise ItemFileError(_complaint(file, wrong))
    if not items:
        raise ItemFileError(f"{file} has no items. Write one a line, as training/README.md shows.")
    return items


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ItemFileError(f"{file} is not UTF-8 at byte {error.start}. Save it as UTF-8.") from None
    except OSError as error:
        raise ItemFileError(f"{file} cannot be read ({error.strerror}). Give a file with one item a line.") from None


def _reason(error: ValidationError) -> str:
    """The first thing that is wrong with a line, and where in it."""
    first = error.errors(include_url=False)[0]
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"]).lstrip(".")
    said = {
        "missing": "it is missing",
        "extra_forbidden": "there is no such key; check its spelling",
        "string_too_short": "it is empty",
    }.get(first["type"], first["msg"].removeprefix("Value error, "))
    return f"{place}: {said}." if place else f"{said}."


def _complaint(file: Path, wrong: Sequence[str]) -> str:
    count = "1 line that is no item" if len(wrong) == 1 else f"{len(wrong)} lines that are no items"
    more = [f"… and {len(wrong) - SHOWN} more"] if len(wrong) > SHOWN else []
    return "\n".join(
        [f"{file} has {count}. Mend it as training/README.md shows; nothing was written.", *wrong[:SHOWN], *more]
    )
