"""Settings from variables, and from the files that orchestrators mount."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from riskstream.runtime.settings import SECRETS_VARIABLE, AuthSettings, ServiceSettings

DSN = "postgresql://analytics:from-a-file@postgres:5432/riskstream"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets that the settings are told of, and a Kafka in the environment."""
    monkeypatch.setenv(SECRETS_VARIABLE, str(tmp_path))
    monkeypatch.setenv("RISKSTREAM_KAFKA", "kafka:9092")
    monkeypatch.delenv("RISKSTREAM_POSTGRES_DSN", raising=False)
    return tmp_path


def test_what_no_variable_says_is_read_from_the_file_of_its_name(secrets: Path) -> None:
    (secrets / "riskstream_postgres_dsn").write_text(DSN + "\n")
    (secrets / "riskstream_auth_issuer").write_text("http://issuer:8000\n")
    settings = ServiceSettings()
    assert settings.postgres_dsn.get_secret_value() == DSN
    assert settings.kafka == "kafka:9092"
    assert AuthSettings().issuer == "http://issuer:8000"


def test_a_variable_counts_before_a_file(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "riskstream_postgres_dsn").write_text(DSN)
    monkeypatch.setenv("RISKSTREAM_POSTGRES_DSN", "postgresql://from-the@environment/riskstream")
    assert ServiceSettings().postgres_dsn.get_secret_value() == "postgresql://from-the@environment/riskstream"


def test_a_folder_without_the_file_leaves_the_setting_missing(secrets: Path) -> None:
    with pytest.raises(ValidationError, match="postgres_dsn"):
        ServiceSettings()


def test_files_are_not_looked_for_unless_a_folder_is_named(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (secrets / "riskstream_postgres_dsn").write_text(DSN)
    monkeypatch.delenv(SECRETS_VARIABLE)
    with pytest.raises(ValidationError, match="postgres_dsn"):
        ServiceSettings()
