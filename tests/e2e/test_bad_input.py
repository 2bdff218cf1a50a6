"""What an operator can get wrong: each is one sentence that says what to do, and an exit code.

Unmarked tests need no model, since a sound command looks at what it was told before it fetches anything.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.answering.prompt import NOT_FOUND
from core.models.specs import BUILT_IN
from tests.conftest import TINY_MODEL
from tests.e2e.home import Home, ended, is_plain, opened_home


@pytest.fixture
def bare_home(tmp_path: Path) -> Iterator[Home]:
    """A home without models."""
    with opened_home(tmp_path) as home:
        yield home


@pytest.fixture(scope="module")
def closed_port() -> Iterator[int]:
    """A port of this machine where nobody listens: it is taken, so nobody else will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.mark.parametrize(
    ("words", "environ", "code", "sentence"),
    [
        (["ingest", "nowhere"], {}, 1, "No such file or folder: nowhere\n"),
        (
            ["chat"],
            {"ATTUNE_DEVISE": "cpu"},
            2,
            "ATTUNE_DEVISE in the environment is not a setting. Did you mean ATTUNE_DEVICE?\n",
        ),
        (["chat"], {"ATTUNE_PASSAGES": "0"}, 2, "ATTUNE_PASSAGES (it is '0'): Input should be greater than"),
        (["ingest", "."], {"REDIS_URL": "localhost"}, 2, "REDIS_URL: the address must begin with redis://"),
        (
            ["ingest", "."],
            {"ATTUNE_EMBEDDER": "nosuch"},
            2,
            "no model named 'nosuch'. The built-in models are",
        ),
        (["models", "pull", "nosuch"], {}, 2, "no model named 'nosuch'. The built-in models are"),
        (["models", "pull", "hf:one/../two"], {}, 2, "hf:"),
        (["models", "pull", "\x1b[31mred"], {}, 2, "There is no model named"),
    ],
)
def test_a_slip_is_named_with_its_remedy(
    bare_home: Home, words: list[str], environ: dict[str, str], code: int, sentence: str
) -> None:
    """What cannot work is refused at once, by name, before anything is fetched or started."""
    done = bare_home.run(*words, **environ)
    assert sentence in done.stderr
    assert (done.returncode, done.stdout, is_plain(done)) == (code, "", True)


def test_a_settings_file_with_a_slip_is_named(bare_home: Home) -> None:
    """A wrong key or a broken line in attune.toml is told with the file's name."""
    bare_home.write("attune.toml", 'ATTUNE_MODLE = "x"\n')
    done = bare_home.run("chat")
    assert (done.returncode, is_plain(done)) == (2, True)
    assert done.stderr == "ATTUNE_MODLE in attune.toml is not a setting. Did you mean ATTUNE_MODEL?\n"
    bare_home.write("attune.toml", "ATTUNE_MODEL = \n")
    done = bare_home.run("chat")
    assert (done.returncode, is_plain(done)) == (2, True)
    assert "attune.toml cannot be read: " in done.stderr


def test_a_model_that_is_not_what_its_hash_says_is_found_out(bare_home: Home) -> None:
    """`attune models verify` names the file, what was expected and what comes next."""
    file = BUILT_IN[TINY_MODEL].files[0]
    bare_home.write(f"home/models/{TINY_MODEL}/{file.path}", b"\0" * 1000)
    done = bare_home.run("models", "verify", TINY_MODEL)
    assert (done.returncode, is_plain(done)) == (1, True)
    assert f"{file.path} of {TINY_MODEL} does not match its hash: expected SHA-256 {file.sha256}" in done.stdout
    assert "The next start downloads it again." in done.stdout


def test_the_doctor_names_servers_that_are_down(bare_home: Home, closed_port: int) -> None:
    """A server that a setting names and that does not answer fails its check, with the setting to look at."""
    urls = {"ATTUNE_MODEL_URL": f"http://127.0.0.1:{closed_port}/v1"}
    urls |= {"REDIS_URL": f"redis://:secret@127.0.0.1:{closed_port}", "QDRANT_URL": f"http://127.0.0.1:{closed_port}"}
    done = bare_home.run("doctor", **urls)
    assert (done.returncode, is_plain(done)) == (1, True)
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines if line.startswith("✗")] == ["language", "memory", "index"]
    assert all(name in done.stdout for name in urls)
    assert "secret" not in done.stdout + done.stderr


@pytest.fixture(scope="module")
def documents(shared_home: Home) -> Home:
    """A home with files of every bad kind beside a good one, ingested; `ingested` is what was said of it."""
    shared_home.write("bad/noise.txt", os.urandom(100_000))
    shared_home.write("bad/large.txt", b"a" * 50_000_000)
    shared_home.write("bad/empty.md", "")
    os.mkfifo(shared_home.folder / "bad" / "pipe.md")  # which nobody can read, not even root
    shared_home.write("bad/picture.gif", b"\x89PNG")
    shared_home.write("latin.txt", "Die Küche schließt um fünf Uhr, danach ist die Tür zu.".encode("latin-1"))
    return shared_home


@pytest.mark.model
def test_bad_files_are_refused_one_by_one_and_the_others_go_on(documents: Home) -> None:
    """Each refusal says why and what to do; a guessed encoding is told; a missing path makes the exit code 1."""
    both, bad = documents.start("ingest", "bad", "latin.txt", "nowhere"), documents.start("ingest", "bad")
    done, only_bad = ended(both), ended(bad)
    assert (done.returncode, is_plain(done), done.stderr) == (1, True, "No such file or folder: nowhere\n")
    for sentence in (
        "✗ bad/noise.txt: noise.txt cannot be read. The file is binary, not text. Save it as text",
        "✗ bad/large.txt: large.txt has 47.7 MB; the limit is 20 MB. Split it into smaller files.",
        "✗ bad/pipe.md: pipe.md is not a regular file. Leave it out.",
        "bad/empty.md: The file contains no text.",
        "latin.txt: The encoding was guessed as ",
        "1 passage embedded",
    ):
        assert sentence in done.stdout
    rows = dict(line.rsplit(maxsplit=1) for line in done.stdout.splitlines()[:6])
    assert (rows["new"], rows["refused"], rows["skipped"]) == ("1", "3", "1")
    assert (only_bad.returncode, is_plain(only_bad)) == (1, True)
    assert only_bad.stderr == "No document could be ingested; the reasons are above.\n"


@pytest.mark.model
def test_bad_questions_are_answered_in_a_sentence_and_the_next_goes_on(documents: Home) -> None:
    """A question over the limit is refused, control characters are ignored, and the exit code tells of it."""
    done = documents.run(
        "chat", said=f"{'a' * 100_000}\nWho\x00 composed\x07 the \x1b]0;x\x07 opera\x9b \u202e Carmen?\n"
    )
    assert (done.returncode, is_plain(done)) == (1, True)
    assert done.stderr.splitlines()[-1] == (
        "Your message has 100,000 characters, and I can read at most 4,000. Please shorten it."
    )
    assert done.stdout.startswith(NOT_FOUND)


@pytest.mark.model
def test_what_does_not_answer_is_named(documents: Home, closed_port: int) -> None:
    """A server that is down and a model that nobody knows end the command with the setting to look at."""
    redis = documents.start("chat", REDIS_URL=f"redis://:secret@127.0.0.1:{closed_port}")
    qdrant = documents.start("ingest", "latin.txt", QDRANT_URL=f"http://127.0.0.1:{closed_port}")
    results = [ended(redis, "Hello?\n"), ended(qdrant), documents.run("chat", "--model", "nosuch")]
    sentences = [done.stderr.splitlines()[-1] for done in results]
    assert "REDIS_URL" in sentences[0]
    assert "QDRANT_URL" in sentences[1]
    assert "There is no model named 'nosuch'" in sentences[2]
    assert all("secret" not in done.stderr and done.stdout == "" and is_plain(done) for done in results)
    assert [done.returncode for done in results] == [2, 2, 2]
