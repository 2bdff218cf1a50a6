"""Git repositories, made by the real `git` command, from a commit to the index."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from core.adapters.index.qdrant_index import QdrantIndex
from core.documents.ingest import Ingester
from core.documents.remote.git import TOGETHER, GitFile, batches
from core.documents.remote.keeper import SourceKeeper, SourceWishes
from core.documents.remote.records import SourceRecords
from core.documents.tally import IngestReport
from core.errors import DocumentError
from tests.doubles.website import served_site

# Qdrant's local mode, which stands in for a server, scans instead; it says so each time.
pytestmark = pytest.mark.filterwarnings("ignore:Payload indexes have no effect")


GIT = shutil.which("git") or "git"


class Repository:
    """A repository with one person's commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=trunk")

    @property
    def address(self) -> str:
        return f"git+file://{self.folder}"

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")
        command = [GIT, "-C", str(self.folder), *who, *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **files: str | None) -> None:
        """Write files, of which a double underscore is a slash and a single one before the end a dot; None: delete."""
        for name, content in files.items():
            path = self.folder / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink() if content is None else path.write_text(content, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "Change")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "handbook.git")
    made.commit(
        docs__leave_md="# Leave\n\nThirty days.\n", docs__pay_md="# Pay\n\nMonthly.\n", readme_md="# Home\n\nHi.\n"
    )
    return made


@pytest.fixture
def keeper(tmp_path: Path, ingester: Ingester, index: QdrantIndex) -> SourceKeeper:
    return SourceKeeper(SourceRecords(tmp_path / "data"), ingester, index)


@pytest.fixture
def read(keeper: SourceKeeper) -> Callable[..., object]:
    async def reading(address: str, **wishes: object) -> IngestReport:
        return await keeper.read(await keeper.add(address, SourceWishes(**wishes)))  # type: ignore[arg-type]

    return reading


async def held(index: QdrantIndex) -> dict[str, str]:
    return {document.source.rpartition("#")[2]: document.title for document in await index.documents()}


async def test_a_repository_is_read_by_commit(repository: Repository, read: Callable, index: QdrantIndex) -> None:
    """The branch that it begins with is read; after a commit what changed is embedded, and what is deleted goes."""
    report = await read(repository.address)
    assert report.new[0] == f"{repository.address}@trunk#docs/leave.md"
    assert await held(index) == {"docs/leave.md": "Leave", "docs/pay.md": "Pay", "readme.md": "Home"}
    repository.commit(docs__leave_md="# Holidays\n\nForty days.\n", docs__pay_md=None)
    report = await read(f"{repository.address}@trunk")
    assert [len(found) for found in (report.new, report.changed, report.unchanged, report.removed)] == [0, 1, 1, 1]
    assert await held(index) == {"docs/leave.md": "Holidays", "readme.md": "Home"}


async def test_a_branch_and_a_folder_are_read_alone(repository: Repository, read: Callable, index: QdrantIndex) -> None:
    """`@branch` and `#folder` choose; a tag and a commit are branches, too."""
    repository.git("branch", "old")
    repository.git("tag", "v1.0")
    repository.commit(docs__leave_md="# Newer\n\nDays.\n")
    await read(f"{repository.address}@old#docs")
    assert await held(index) == {"docs/leave.md": "Leave", "docs/pay.md": "Pay"}
    await read(f"{repository.address}@v1.0#docs/leave.md")
    with pytest.raises(DocumentError, match="couldn't find remote ref nowhere"):
        await read(f"{repository.address}@nowhere")
    with pytest.raises(DocumentError, match="nothing in its folder missing"):
        await read(f"{repository.address}@old#missing")


async def test_nothing_of_a_repository_runs(
    repository: Repository, read: Callable, index: QdrantIndex, tmp_path: Path
) -> None:
    """Links lead nowhere, hooks and filters do not run, and what lies in LFS or a submodule is named as left out."""
    (repository.folder / "passwords.md").symlink_to("/etc/passwd")
    repository.commit(
        _gitattributes="*.md filter=evil\n",
        big_md="version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        picture_bmp="x",
        _hidden_md="# Hidden\n\nx\n",
    )
    repository.git("config", "filter.evil.smudge", f"touch {tmp_path}/ran")
    repository.git("update-index", "--add", "--cacheinfo", f"160000,{repository.git('rev-parse', 'HEAD')},module")
    repository.git("commit", "--quiet", "-m", "A module")
    report = await read(repository.address)
    at = f"{repository.address}@trunk"
    assert report.skipped == (f"{at}#picture.bmp",)
    assert [one.path for one in report.refused] == [f"{at}#big.md"]
    assert report.notes == (
        f"{at}#module: a submodule, which is a repository of its own, was left out.",
        f"{at}: links lead to other files and are not followed: passwords.md.",
    )
    assert "passwords.md" not in await held(index)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "address", ["git+file:///nowhere/at/all", "git+https://127.0.0.1:9/o/r", "git+ssh://-oProxyCommand=x/r"]
)
async def test_a_repository_that_cannot_be_reached_says_so(address: str, read: Callable) -> None:
    """Git's own reason is given, nobody is asked for a password, and a host cannot be an option of ssh."""
    with pytest.raises(DocumentError, match="Git cannot read it"):
        await read(address)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_git_follows_nobody_elsewhere(repository: Repository, read: Callable, status: int) -> None:
    """Where a repository has moved to is named, and not asked."""
    repository.git("update-server-info")
    async with served_site() as other, served_site() as named:
        refs = (repository.folder / ".git" / "info" / "refs").read_bytes()
        other.write("/team.git/info/refs?service=git-upload-pack", refs, kind="text/plain")
        target = f"{other.url.replace('127.0.0.1', 'localhost')}/team.git"
        headers = {"Location": f"{target}/info/refs?service=git-upload-pack"}
        named.write("/public/info/refs?service=git-upload-pack", "", status=status, headers=headers)
        with pytest.raises(DocumentError, match=f"it has moved to {target}\\. If"):
            await read(f"git+{named.url}/public@trunk")
        assert other.asked == []


def test_files_are_read_some_at_a_time() -> None:
    """Each once and in its order; one that is too large for any company goes alone."""
    sizes = [TOGETHER // 2, TOGETHER // 2, 1, TOGETHER + 1, 0, 0, TOGETHER]
    files = [GitFile("100644", "x", size, str(number)) for number, size in enumerate(sizes)]
    assert [[file.path for file in some] for some in batches(files)] == [["0", "1"], ["2"], ["3"], ["4", "5", "6"]]
    many = [GitFile("100644", "x", 1, "p")] * 300_000
    assert [len(some) for some in batches(many)] == [300_000]
    assert list(batches([])) == []


async def test_a_name_is_taken_as_it_is(repository: Repository, read: Callable, index: QdrantIndex) -> None:
    """A percent sign in a repository is one, and no folder."""
    (repository.folder / "100%2Fetc.md").write_text("# Percent\n\nHundred.\n")
    repository.commit()
    await read(repository.address)
    assert (await held(index))["100%2Fetc.md"] == "Percent"


async def test_a_branch_cannot_be_an_option(read: Callable, repository: Repository) -> None:
    """What git would take for an option or a refspec is refused."""
    for branch in ("--upload-pack=x", "a:b", "+a", "a b"):
        with pytest.raises(DocumentError):
            await read(f"{repository.address}@{branch}")
