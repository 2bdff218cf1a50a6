"""Writes the catalogues of what is said to people: `python -m tests.write_catalogues`.

New sentences go into each `.po` without a translation, those that are gone leave it; what is read is the `.mo`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from importlib import import_module
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bots.language import DOMAIN, LANGUAGES, LOCALE
from core.answering.prompt import NOT_FOUND

ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # the same sentences make the same file
ROOT = Path(__file__).parent.parent
# Every constant of the first is a sentence for people; of the others, what stands in such a call.
SPOKEN = (
    *(
        "bots.texts",
        "bots.command_table",
        "bots.personal_texts",
        "bots.why_texts",
        "bots.study_texts",
        "bots.team_texts",
        "bots.digest_texts",
    ),
    "bots.thread_texts",
    *("bots.on_slack.texts", "bots.on_telegram.texts"),
)
CALLS = {"translated", "counted", "LessonError", "PairingError", "InvalidPreferenceError", "QuestionTooLongError"}
CALLING = (
    *SPOKEN,
    *(
        "core.people.access",
        "core.people.portable",
        "core.documents.lessons",
        "core.documents.teaching",
        "core.answering.fitting",
        "core.engine",
    ),
)
IN_A_TERMINAL = {"WELCOME_EMPTY", "WELCOME_HINT", "QUIT_HINT"}
SIGNS = {"LETTERS", "BLOCKS"}  # no words
IN_ENGLISH = {"ABOUT", "COMMAND_PREFS", "COMMAND_ASK", "SHORTCUT", "SHORTCUT_ABOUT"}  # what Slack's manifest says

Sentence = str | tuple[str, ...]  # one with a count has two forms


def sentences() -> list[Sentence]:
    """Everything there is to translate."""
    constants = [sentence for module in SPOKEN for sentence in _constants(vars(import_module(module)))]
    return list(dict.fromkeys([*constants, NOT_FOUND, *_called()]))


def _constants(names: Mapping[str, object]) -> Iterator[str]:
    for name, value in names.items():
        if name.isupper() and name not in IN_A_TERMINAL | IN_ENGLISH | SIGNS:
            yield from _texts(value)


def _texts(value: object) -> Iterator[str]:
    """The sentences in a constant."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | tuple):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(part)


def _called() -> Iterator[Sentence]:
    """Sentences that stand where they are said."""
    for module in CALLING:
        tree = ast.parse((ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8"))
        for call in [node for node in ast.walk(tree) if isinstance(node, ast.Call)]:
            if isinstance(call.func, ast.Name) and call.func.id in CALLS:
                forms = [part.value for part in call.args if isinstance(part, ast.Constant)]
                yield from [tuple(forms)] if call.func.id == "counted" else forms


def catalogue(language: str) -> Catalog:
    """The sentences in `language`, as far as the `.po` has them."""
    file = place(language, "po")
    known = read_po(BytesIO(file.read_bytes()), locale=language) if file.is_file() else Catalog(locale=language)
    made = Catalog(
        locale=language,
        domain=DOMAIN,
        header_comment="# What Attune says to people.",
        project="attune",
        version="1",
        creation_date=ALWAYS,
        revision_date=ALWAYS,
        last_translator="Attune",
        language_team="Attune",
        msgid_bugs_address="-",
        fuzzy=False,
    )
    for sentence in sentences():
        found = known.get(sentence if isinstance(sentence, str) else sentence[0])
        made.add(sentence, found.string if found else "")
    return made


def place(language: str, suffix: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.{suffix}"


def po(made: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, made, width=110, omit_header=False)
    return out.getvalue()


def mo(made: Catalog) -> bytes:
    out = BytesIO()
    write_mo(out, made)
    return out.getvalue()


def main() -> None:
    for language in LANGUAGES:
        made = catalogue(language)
        place(language, "po").parent.mkdir(parents=True, exist_ok=True)
        place(language, "po").write_bytes(po(made))
        place(language, "mo").write_bytes(mo(made))


if __name__ == "__main__":
    main()
