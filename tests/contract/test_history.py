"""Golden records are only ever added to: topics hold for weeks what was once published."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from contract.golden import EXAMPLES, Example, assert_reads_as_what_it_is

PROJECT = Path(__file__).parents[2]


class NoHistoryError(Exception):
    """The project is not the root of a git checkout with commits: an archive, or a copy."""


@dataclass(frozen=True)
class Version:
    """A golden record as some commit had it."""

    path: Path
    blob: str

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}@{self.blob[:10]}"


def git(root: Path, *arguments: str) -> bytes:
    program = shutil.which("git")
    if program is None:
        raise NoHistoryError("git is not installed")
    answer = subprocess.run([program, "-C", str(root), *arguments], capture_output=True, check=False)
    if answer.returncode:
        raise NoHistoryError(answer.stderr.decode().strip())
    return answer.stdout


def versions(root: Path, folder: Path) -> set[Version]:
    """Every version of every file below `folder` in the history of `root`, as far as a shallow clone goes."""
    top = Path(git(root, "rev-parse", "--show-toplevel").decode().strip())
    if top.resolve() != root.resolve():
        raise NoHistoryError(f"it is a folder in the checkout of {top}")
    # A merge is compared with each parent: what a merge itself changed is a version too.
    history = git(root, "log", "-m", "--root", "--raw", "--no-abbrev", "--no-renames", "-z", "--format=", "--", folder)
    return set(_added_or_changed(root, history.decode()))


def _added_or_changed(root: Path, history: str) -> Iterator[Version]:
    fields = iter(history.replace("\n", "").split("\0"))
    for field in fields:
        if field.startswith(":"):
            *_, blob, status = field.split()
            path = root / next(fields)
            if status != "D":
                yield Version(path, blob)


def broken(root: Path, folder: Path) -> list[str]:
    """What was once published and is not there any more, word for word."""
    return sorted(
        version.name
        for version in versions(root, folder)
        if not version.path.exists() or version.path.read_bytes() != git(root, "cat-file", "blob", version.blob)
    )


@pytest.fixture(scope="module")
def published() -> set[Version]:
    try:
        found = versions(PROJECT, EXAMPLES)
    except NoHistoryError as error:
        pytest.skip(f"there is no history to compare with: {error}")
    assert found, f"git tells no version of anything in {EXAMPLES}: commit the records"
    return found


def test_every_golden_record_that_was_ever_committed_is_still_there_word_for_word(published: set[Version]) -> None:
    assert published
    found = broken(PROJECT, EXAMPLES)
    assert not found, (
        f"{found} were changed or removed. Records like them are in topics: put them back,"
        " and let what is new be a file of its own"
    )


def test_every_golden_record_that_was_ever_committed_is_still_read_as_what_it_is(published: set[Version]) -> None:
    for version in published:
        record = json.loads(git(PROJECT, "cat-file", "blob", version.blob))
        assert_reads_as_what_it_is(Example(version.path, version.path.parent.name, **record))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A checkout with one golden record."""
    record = tmp_path / "examples" / "ledger.deposit.v1" / "first.json"
    record.parent.mkdir(parents=True)
    record.write_text("{}")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def commit(root: Path) -> None:
    git(root, "add", "--all")
    git(root, "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "--quiet", "--message", "a change")


def test_adding_a_record_breaks_nothing(project: Path) -> None:
    (project / "examples" / "ledger.deposit.v1" / "second.json").write_text("[]")
    commit(project)
    assert len(versions(project, project / "examples")) == 2
    assert broken(project, project / "examples") == []


@pytest.mark.parametrize("committed", [False, True])
def test_a_record_that_is_changed_is_found(project: Path, committed: bool) -> None:
    (project / "examples" / "ledger.deposit.v1" / "first.json").write_text("[]")
    if committed:
        commit(project)
    assert [name.partition("@")[0] for name in broken(project, project / "examples")] == [
        "ledger.deposit.v1/first.json"
    ]


@pytest.mark.parametrize("committed", [False, True])
def test_a_record_that_is_removed_or_renamed_is_found(project: Path, committed: bool) -> None:
    record = project / "examples" / "ledger.deposit.v1" / "first.json"
    record.rename(record.with_name("renamed.json"))
    if committed:
        commit(project)
    assert [name.partition("@")[0] for name in broken(project, project / "examples")] == [
        "ledger.deposit.v1/first.json"
    ]


def test_an_archive_has_no_history(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with pytest.raises(NoHistoryError, match="not a git repository"):
        versions(tmp_path_factory.mktemp("archive"), Path("examples"))
    with pytest.raises(NoHistoryError, match="in the checkout of"):
        versions(project / "examples", project / "examples")
