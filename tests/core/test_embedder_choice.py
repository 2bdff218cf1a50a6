"""Which embedder is used where nobody named one."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from bots.cli import operator_texts
from core.documents.folder_records import FolderRecords
from core.domain import EVERYONE, VectorOrigin
from core.embedder_choice import MULTILINGUAL, embedder_for, is_remembered, knows, settled, texts_in, with_embedder
from core.models.specs import BUILT_IN
from core.settings import Settings
from core.storage.origin import KEPT

ENGLISH = "Travel is refunded within 30 days, and the form is in the drawer of the front desk."
GERMAN = "Reisekosten werden innerhalb von 30 Tagen erstattet, und das Formular liegt am Empfang."
POLISH = "Koszty podróży zwracamy w ciągu trzydziestu dni, a formularz leży w szufladzie przy recepcji."
TURKISH = "Seyahat masrafları otuz gün içinde ödenir ve form resepsiyondaki çekmecede durur."
CHINESE = "差旅费用在三十天内报销，表格在前台的抽屉里。"
CHOOSING = """
import sys
from pathlib import Path
from core.embedder_choice import embedder_for
from core.settings import Settings
input()
with embedder_for(Settings(home=Path(sys.argv[1])), [Path(sys.argv[2])]) as chosen:
    print(chosen.embedder, flush=True)
    input()
"""


def folder_of(place: Path, *texts: str) -> Path:
    place.mkdir(parents=True, exist_ok=True)
    for number, text in enumerate(texts):
        (place / f"{number}.md").write_text(f"# {number}\n\n{text}\n", encoding="utf-8")
    return place


def chosen_for(settings: Settings, documents: Path) -> Settings:
    with embedder_for(settings, [documents]) as chosen:
        return chosen


@contextmanager
def choosing(home: Path, documents: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that chooses when it is told to, says what, and then lives on."""
    command = [sys.executable, "-c", CHOOSING, str(home), str(documents)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield process
        process.kill()


def told(process: subprocess.Popen[str]) -> None:
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.mark.parametrize(
    ("texts", "embedder"),
    [
        ([], "attune-embedder"),
        ([ENGLISH, ENGLISH, GERMAN], "attune-embedder"),
        ([ENGLISH, GERMAN], "attune-embedder"),
        ([ENGLISH, GERMAN, CHINESE], MULTILINGUAL),
        ([CHINESE], MULTILINGUAL),
        ([POLISH], MULTILINGUAL),
        ([TURKISH], MULTILINGUAL),
        ([f"<html><head><style>{'p { margin: 0 auto } ' * 300}</style></head><p>{GERMAN}</p>"], MULTILINGUAL),
        (["`die der das`", "<p class='und'>42</p>", "def main(): ..."], "attune-embedder"),
    ],
)
def test_a_new_index_gets_what_its_first_documents_need(tmp_path: Path, texts: list[str], embedder: str) -> None:
    """Most of them decide; code, markup and numbers are in no language."""
    documents = folder_of(tmp_path / "docs", *texts)
    assert chosen_for(Settings(home=tmp_path / "home"), documents).embedder == embedder


def test_an_index_keeps_its_embedder(tmp_path: Path) -> None:
    """Whatever is ingested next; one that is named is taken, and so is the default beside a server."""
    home = Settings(home=tmp_path / "home")
    index = home.data_folder / "index"
    documents = folder_of(tmp_path / "docs", GERMAN)
    index.mkdir(parents=True)
    assert chosen_for(home, documents).embedder == "attune-embedder"  # of before an origin was kept
    (index / KEPT).write_text(VectorOrigin("hf:org/name", "digest").dumped(), encoding="utf-8")
    assert chosen_for(home, documents).embedder == "hf:org/name"
    environ = {"ATTUNE_HOME": str(tmp_path / "home")}
    named = Settings.from_env({**environ, "ATTUNE_EMBEDDER": "all-minilm-l6-v2"})
    assert chosen_for(named, documents).embedder == "all-minilm-l6-v2"
    served = Settings.from_env({**environ, "QDRANT_URL": "http://127.0.0.1:1"})
    assert chosen_for(served, documents).embedder == "attune-embedder"


def test_an_index_that_holds_no_documents_gets_what_its_first_ones_need(tmp_path: Path) -> None:
    """Whatever was put there before there were any: by `attune doctor`, or Attune's own guides."""
    home = Settings(home=tmp_path / "home")
    records = FolderRecords(home.data_folder)
    documents = folder_of(tmp_path / "docs", GERMAN)
    records.begin((), lived=False)
    (home.data_folder / "index").mkdir()
    assert chosen_for(home, documents).embedder == MULTILINGUAL
    (home.data_folder / "index" / KEPT).write_text(VectorOrigin("attune-embedder", "digest").dumped(), encoding="utf-8")
    assert chosen_for(home, documents).embedder == MULTILINGUAL
    assert "embedder" not in chosen_for(home, documents).model_fields_set
    assert with_embedder(home).embedder == "attune-embedder"
    records.decide([documents], {f"{documents}/0.md": (EVERYONE,)}, None, watch=None)
    assert chosen_for(home, documents).embedder == "attune-embedder"


def test_processes_that_begin_a_home_side_by_side_choose_once(tmp_path: Path) -> None:
    """Whatever each of them is to read; and where all of them died before they read any, the next one chooses."""
    home, german = tmp_path / "home", folder_of(tmp_path / "german", GERMAN)
    english = folder_of(tmp_path / "english", ENGLISH)
    with ExitStack() as stack:
        processes = [stack.enter_context(choosing(home, one)) for one in (german, english) * 3]
        for process in processes:
            told(process)
        chosen = {said(process) for process in processes}
        assert len(chosen) == 1
        assert {with_embedder(Settings(home=home)).embedder} == chosen
        for process in processes:
            process.kill()
            process.wait()
    assert with_embedder(Settings(home=home)).embedder == "attune-embedder"
    assert chosen_for(Settings(home=home), english).embedder == "attune-embedder"
    assert chosen_for(Settings(home=home), german).embedder == MULTILINGUAL


def test_what_the_first_chose_stands_for_whoever_took_it(tmp_path: Path) -> None:
    """Also once the first has ended without reading anything, as long as the second has not."""
    home, english = Settings(home=tmp_path / "home"), folder_of(tmp_path / "english", ENGLISH)
    with ExitStack() as second:
        with embedder_for(home, [folder_of(tmp_path / "german", GERMAN)]) as first:
            assert first.embedder == MULTILINGUAL
            assert second.enter_context(embedder_for(home, [english])).embedder == MULTILINGUAL
        assert with_embedder(home).embedder == MULTILINGUAL
        assert chosen_for(home, english).embedder == MULTILINGUAL
    assert chosen_for(home, english).embedder == "attune-embedder"


def test_a_named_embedder_is_what_others_take_meanwhile(tmp_path: Path) -> None:
    """Whoever named one keeps it, whatever others chose; beside a server nobody takes any from others."""
    environ = {"ATTUNE_HOME": str(tmp_path / "home")}
    home, german = Settings.from_env(environ), folder_of(tmp_path / "german", GERMAN)
    named = Settings.from_env({**environ, "ATTUNE_EMBEDDER": "all-minilm-l6-v2"})
    served = Settings.from_env({**environ, "QDRANT_URL": "http://127.0.0.1:1"})
    with embedder_for(named, [german]):
        assert chosen_for(home, german).embedder == "all-minilm-l6-v2"
        assert with_embedder(home).embedder == "all-minilm-l6-v2"
        assert chosen_for(served, german).embedder == "attune-embedder"
    with embedder_for(home, [german]):
        assert chosen_for(named, german).embedder == "all-minilm-l6-v2"


async def test_nobody_chooses_while_an_index_is_opened(tmp_path: Path) -> None:
    """Who waits for it finds what the index was made with then."""
    home, german = Settings(home=tmp_path / "home"), folder_of(tmp_path / "german", GERMAN)
    async with settled(home) as now:
        assert now.embedder == "attune-embedder"
        waiting = asyncio.create_task(asyncio.to_thread(chosen_for, home, german))
        assert not (await asyncio.wait({waiting}, timeout=0.3))[0]
        FolderRecords(home.data_folder).decide([german], {f"{german}/0.md": (EVERYONE,)}, None, watch=None)
    assert (await waiting).embedder == "attune-embedder"


def test_an_index_that_may_not_be_looked_at_is_not_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The data folder is another user's: that is said later, by who opens it."""

    def closed(_: Path) -> bool:
        raise PermissionError

    home, documents = Settings(home=tmp_path / "home"), folder_of(tmp_path / "docs", GERMAN)
    monkeypatch.setattr(Path, "exists", closed)
    assert FolderRecords(home.data_folder).begun
    assert chosen_for(home, documents).embedder == "attune-embedder"


def test_texts_are_taken_from_all_over_and_no_file_is_an_error(tmp_path: Path) -> None:
    """What cannot be read, or is no plain file, is left out."""
    documents = folder_of(tmp_path / "docs", *[f"Text {number}" for number in range(200)])
    (documents / "a.pdf").write_bytes(b"%PDF")
    (documents / "b.md").mkdir()
    (documents / "c.md").symlink_to(tmp_path / "nowhere")
    (documents / "d.txt").write_bytes(b"\xff\xfe\x00")
    folder_of(documents / "node_modules" / "x", GERMAN)
    folder_of(documents / ".git", GERMAN)
    found = texts_in([documents, tmp_path / "missing"])
    assert 30 <= len(found) <= 41
    assert not any("%PDF" in text or GERMAN in text for text in found)


def test_only_embedders_of_english_alone_are_doubted() -> None:
    """One that is not built in may know any language."""
    assert not knows("attune-embedder", [GERMAN, ENGLISH], 0.2)
    assert knows("attune-embedder", [GERMAN, *[ENGLISH] * 4], 0.2)
    assert knows(MULTILINGUAL, [GERMAN])
    assert knows("hf:org/name", [GERMAN])
    assert MULTILINGUAL in BUILT_IN
    assert MULTILINGUAL in operator_texts.fix_language(remembered=True)


def test_who_must_name_an_embedder_is_told_to_name_it_for_good(tmp_path: Path) -> None:
    """With a server, or where one is named, a restart without the variable would be refused."""
    environ = {"ATTUNE_HOME": str(tmp_path)}
    assert is_remembered(with_embedder(Settings.from_env(environ)))
    for name, value in (("QDRANT_URL", "http://127.0.0.1:1"), ("ATTUNE_EMBEDDER", "attune-embedder")):
        assert not is_remembered(with_embedder(Settings.from_env({**environ, name: value})))
    assert "for good" in operator_texts.fix_language(remembered=False)


@pytest.mark.parametrize(
    ("named", "embedder"),
    [("Multilingual-E5-Small", MULTILINGUAL), ("hf:Org/Name", "hf:Org/Name"), ("/models/Mine", "/models/Mine")],
)
def test_a_built_in_name_is_one_name_however_it_is_spelled(named: str, embedder: str) -> None:
    """An index keeps it, and is compared by it."""
    assert Settings.from_env({"ATTUNE_EMBEDDER": named}).embedder == embedder
