"""Development tokens, read with the code that services verify them with."""

from pathlib import Path

import jwt
import pytest

from local_stack.issuer import AUDIENCE, ISSUER, Issuer
from local_stack.main import main
from riskstream.runtime.auth import TokenVerifier
from riskstream.runtime.problems import Problem
from riskstream.runtime.settings import AuthSettings


def verifier(issuer: Issuer) -> TokenVerifier:
    return TokenVerifier(AuthSettings(issuer=ISSUER, audience=AUDIENCE, jwks_file=issuer.jwks_file))


def test_a_service_reads_the_owner_from_a_token(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    assert verifier(issuer).owner(issuer.token("alice")) == "alice"


def test_the_environment_names_what_a_service_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    issuer = Issuer(tmp_path)
    for name, value in issuer.environment().items():
        monkeypatch.setenv(name, value)
    assert TokenVerifier(AuthSettings()).owner(issuer.token("alice")) == "alice"  # type: ignore[call-arg]


def test_the_key_outlives_the_process_and_stays_private(tmp_path: Path) -> None:
    token = Issuer(tmp_path).token("alice")
    assert verifier(Issuer(tmp_path)).owner(token) == "alice"
    assert (tmp_path / "issuer.pem").stat().st_mode & 0o777 == 0o600
    assert '"d"' not in (tmp_path / "jwks.json").read_text()


def test_a_token_lives_twelve_hours(tmp_path: Path) -> None:
    claims = jwt.decode(Issuer(tmp_path).token("alice"), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 12 * 3600


def test_a_token_of_another_key_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem):
        verifier(Issuer(tmp_path / "ours")).owner(Issuer(tmp_path / "theirs").token("alice"))


def test_an_empty_owner_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--owner", " ", "--keys", str(tmp_path)]) == 1
    assert "--owner" in capsys.readouterr().err


def test_the_command_prints_one_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token", "--owner", "alice", "--keys", str(tmp_path)]) == 0
    assert verifier(Issuer(tmp_path)).owner(capsys.readouterr().out.strip()) == "alice"
