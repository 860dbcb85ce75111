"""Development tokens, read with the code that services verify them with."""

from pathlib import Path

import jwt
import pytest

from local_stack.issuer import AUDIENCE, ISSUER, Issuer
from local_stack.main import main
from riskstream.runtime.auth import Caller, TokenVerifier
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings


def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_file=issuer.jwks_file))


async def test_a_service_reads_owner_and_scopes_from_a_token(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    assert await verifier(issuer).caller(issuer.token("alice")) == Caller("alice", frozenset({"read", "write"}))


async def test_the_environment_names_what_a_service_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(tmp_path)
    for name, value in issuer.environment().items():
        monkeypatch.setenv(name, value)
    caller = await TokenVerifier(AuthSettings()).caller(issuer.token("alice"))  # type: ignore[call-arg]
    assert caller.owner == "alice"


async def test_the_key_outlives_the_process_and_stays_private(tmp_path: Path) -> None:
    token = Issuer(tmp_path).token("alice")
    assert (await verifier(Issuer(tmp_path)).caller(token)).owner == "alice"
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o777 == 0o600
    assert '"d"' not in (tmp_path / "jwks.json").read_text()


def test_a_token_lives_twelve_hours(tmp_path: Path) -> None:
    claims = jwt.decode(Issuer(tmp_path).token("alice"), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 12 * 3600


async def test_a_token_of_another_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem):
        await verifier(Issuer(tmp_path / "ours")).caller(Issuer(tmp_path / "theirs").token("alice"))


def test_an_empty_owner_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--owner", " ", "--keys", str(tmp_path)]) == 1
    assert "--owner" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        ([], {"read", "write"}),
        (["read"], {"read"}),
        (["operator"], {"operator"}),
        (["write", "operator"], {"write", "operator"}),
    ],
)
async def test_the_command_prints_one_token_with_the_scopes_that_were_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str], given: set[str]
) -> None:
    scopes = [word for scope in asked for word in ("--scope", scope)]
    assert main(["token", "--owner", "alice", "--keys", str(tmp_path), *scopes]) == 0
    assert await verifier(Issuer(tmp_path)).caller(capsys.readouterr().out.strip()) == Caller("alice", frozenset(given))


def test_a_scope_that_there_is_not_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["token", "--owner", "alice", "--keys", str(tmp_path), "--scope", "admin"])
    assert "operator" in capsys.readouterr().err
