"""The command `riskstream`: its groups, its exit codes, and one sentence for whatever goes wrong."""

import orjson
import pytest
import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

from riskstream.command_line import (
    AsJson,
    CommandFailed,
    UsedWrongly,
    progress,
    settings_from_environment,
    show,
    show_list,
)
from riskstream.command_line.main import installed_groups, run

THINGS = [{"name": "a", "size": 1, "left": None}, {"name": "long one", "size": 22, "left": ["x"]}]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="PLACE_")

    address: str
    port: int


def things() -> typer.Typer:
    group = typer.Typer(help="Things.")

    @group.command("list")
    def list_things(as_json: AsJson = False) -> None:
        """Every thing."""
        show_list(THINGS, ("name", "size", "left"), as_json=as_json)

    @group.command("none")
    def no_things(as_json: AsJson = False) -> None:
        show_list([], ("name",), as_json=as_json, none="no things")

    @group.command("one")
    def one_thing(as_json: AsJson = False) -> None:
        show(THINGS[1], as_json=as_json)

    @group.command("fail")
    def fail(how: str) -> None:
        errors = {
            "refused": CommandFailed("it is locked; unlock it first"),
            "wrongly": UsedWrongly("say which"),
            "away": ConnectionRefusedError(111, "Connection refused"),
            "fault": KeyError("x"),
            "interrupted": KeyboardInterrupt(),
            "ended": typer.Exit(3),
        }
        raise errors[how]

    @group.command("settings")
    def settings() -> None:
        settings_from_environment(Settings)

    return group


GROUPS = {"things": things}


@pytest.mark.parametrize(
    ("how", "code", "sentence"),
    [
        ("refused", 1, "it is locked; unlock it first\n"),
        ("wrongly", 2, "say which\n"),
        ("away", 1, "Connection refused"),
        ("fault", 1, "a fault of this program, KeyError"),
        ("interrupted", 130, ""),
        ("ended", 3, ""),
    ],
)
def test_what_goes_wrong_is_an_exit_code_and_a_sentence(
    how: str, code: int, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["things", "fail", how], GROUPS) == code
    out, errors = capsys.readouterr()
    assert out == ""
    assert sentence in errors
    assert errors.count("\n") <= 1
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("words", "complaint"),
    [(["nothing"], "nothing"), (["things", "lost"], "lost"), (["things", "list", "--loud"], "--loud")],
)
def test_a_wrong_call_says_what_is_wrong_with_it(
    words: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words, GROUPS) == 2
    errors = capsys.readouterr().err
    assert complaint in errors
    assert errors.count("\n") == 1


def test_a_fault_shows_where_it_happened_when_asked_to() -> None:
    with pytest.raises(KeyError):
        run(["--traceback", "things", "fail", "fault"], GROUPS)


def test_people_read_a_table_and_programs_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["things", "list"], GROUPS) == 0
    assert capsys.readouterr().out.splitlines() == ["name      size  left", "a         1     -", "long one  22    x"]
    assert run(["things", "list", "--json"], GROUPS) == 0
    assert [orjson.loads(line) for line in capsys.readouterr().out.splitlines()] == THINGS
    assert run(["things", "one"], GROUPS) == 0
    assert capsys.readouterr().out.splitlines() == ["name  long one", "size  22", "left  x"]


def test_that_there_is_nothing_is_said_to_people_and_is_no_line_for_programs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["things", "none"], GROUPS)
    assert capsys.readouterr().out == "no things\n"
    run(["things", "none", "--json"], GROUPS)
    assert capsys.readouterr().out == ""


def test_every_variable_that_is_missing_or_wrong_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE_PORT", "seven")
    assert run(["things", "settings"], GROUPS) == 2
    errors = capsys.readouterr().err
    assert "PLACE_ADDRESS" in errors
    assert "PLACE_PORT" in errors


def test_only_the_group_that_is_asked_for_is_loaded() -> None:
    def unwanted() -> typer.Typer:
        raise AssertionError("loaded for nothing")

    assert run(["things", "list"], {**GROUPS, "other": unwanted}) == 0


def test_without_a_word_the_groups_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    run([], GROUPS)
    out, errors = capsys.readouterr()
    assert "things" in out + errors


def test_an_installed_package_brings_its_group() -> None:
    assert "dead-letters" in installed_groups()


def test_without_a_terminal_progress_is_a_plain_line_for_each_stage(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("counting") as report:
        for done in range(3):
            report(done, 10, "apples")
        report(1, None, "pears")
    assert capsys.readouterr().err.splitlines() == ["apples: 0 of 10", "pears: 1"]
