"""Writes the catalogues of Telegram's sentences: `python -m tests.write_catalogues`.

New sentences go into each `.po` without a translation, those that are gone leave it; what is read is the `.mo`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from bots.on_telegram.texts import DOMAIN, LANGUAGES, sentences

ALWAYS = datetime(2026, 1, 1, tzinfo=UTC)  # the same sentences make the same file
LOCALE = Path(__file__).parent.parent / "bots" / "on_telegram" / "locale"


def catalogue(language: str) -> Catalog:
    """The sentences in `language`, as far as the `.po` has them."""
    file = place(language, "po")
    known = read_po(BytesIO(file.read_bytes()), locale=language) if file.is_file() else Catalog(locale=language)
    made = Catalog(
        locale=language,
        domain=DOMAIN,
        header_comment="# Sentences of Attune in Telegram.",
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
        found = known.get(sentence)
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
