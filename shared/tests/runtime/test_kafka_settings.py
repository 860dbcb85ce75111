"""How Kafka clients are let in: what fits together is taken, and of what does not the wrong variable is named."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from local_stack.certificates import Authority
from riskstream.command_line import UsedWrongly, settings_from_environment
from riskstream.runtime.settings import SECRETS_VARIABLE, KafkaAccess

P = "RISKSTREAM_KAFKA_"
PASSWORD = "sesame-0pen"
SASL = {"SECURITY_PROTOCOL": "SASL_SSL", "SASL_MECHANISM": "SCRAM-SHA-512", "USER": "ada", "PASSWORD": PASSWORD}


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A folder with an authority, a client's certificate with and without its key, and what is none."""
    authority = Authority(tmp_path)
    whole = authority.for_client("client").read_text()
    begins = whole.index("-----BEGIN CERTIFICATE")
    (tmp_path / "client.key").write_text(whole[:begins])
    (tmp_path / "client.crt").write_text(whole[begins:])
    (tmp_path / "other.pem").write_bytes(authority.for_client("other-client").read_bytes())
    (tmp_path / "none.pem").write_text("no certificate")
    key = serialization.load_pem_private_key(whole.encode(), None)
    locked = serialization.BestAvailableEncryption(b"a pass phrase")
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (tmp_path / "encrypted.key").write_bytes(key.private_bytes(pem, pkcs8, locked))
    return tmp_path


def read(monkeypatch: pytest.MonkeyPatch, given: dict[str, str], folder: Path) -> KafkaAccess:
    for name, value in given.items():
        monkeypatch.setenv(P + name, value.replace("FILES", str(folder)))
    return settings_from_environment(KafkaAccess)


def test_without_a_word_a_cluster_asks_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = read(monkeypatch, {}, tmp_path).address_of("kafka:9092")
    assert (address.servers, address.security_protocol, address.user) == ("kafka:9092", "PLAINTEXT", None)


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"])
@pytest.mark.parametrize("protocol", ["SASL_SSL", "SASL_PLAINTEXT"])
def test_users_come_with_a_mechanism(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, protocol: str, mechanism: str
) -> None:
    given = SASL | {"SECURITY_PROTOCOL": protocol, "SASL_MECHANISM": mechanism}
    address = read(monkeypatch, given, tmp_path).address_of("kafka:9093")
    assert (address.security_protocol, address.sasl_mechanism, address.user) == (protocol, mechanism, "ada")
    assert address.password is not None
    assert address.password.get_secret_value() == PASSWORD
    assert PASSWORD not in repr(address)


def test_the_password_may_be_a_file_of_the_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SECRETS_VARIABLE, str(tmp_path))
    (tmp_path / "riskstream_kafka_password").write_text(f"{PASSWORD}\n")
    given = {name: value for name, value in SASL.items() if name != "PASSWORD"}
    password = read(monkeypatch, given, tmp_path).kafka_password
    assert password is not None
    assert password.get_secret_value() == PASSWORD


@pytest.mark.parametrize(
    "given",
    [
        {"CERTIFICATE_FILE": "FILES/client.crt", "KEY_FILE": "FILES/client.key"},
        {"CERTIFICATE_FILE": "FILES/client.pem"},
        {"CA_FILE": "FILES/ca.crt"},
        {},
    ],
    ids=["certificate and key", "both in one file", "authority", "the system's authorities"],
)
def test_certificates_are_read_in_the_forms_there_are(
    monkeypatch: pytest.MonkeyPatch, files: Path, given: dict[str, str]
) -> None:
    address = read(monkeypatch, given | {"SECURITY_PROTOCOL": "SSL"}, files).address_of("kafka:9094")
    assert address.tls.context().check_hostname


@dataclass(frozen=True)
class Wrong:
    """Variables without their beginning, the one that must be named, and what else must be said of it."""

    given: dict[str, str]
    named: str
    says: tuple[str, ...]


def without(name: str) -> dict[str, str]:
    return {other: value for other, value in SASL.items() if other != name}


SSL = {"SECURITY_PROTOCOL": "SSL"}
WRONG = {
    "protocol unknown": Wrong({"SECURITY_PROTOCOL": "TLS"}, "SECURITY_PROTOCOL", ("'SASL_SSL'", "PLAINTEXT")),
    "mechanism unknown": Wrong(
        SASL | {"SASL_MECHANISM": "GSSAPI"}, "SASL_MECHANISM", ("'PLAIN'", f"{P}SASL_MECHANISM=SCRAM-SHA-512")
    ),
    "no mechanism": Wrong(without("SASL_MECHANISM"), "SASL_MECHANISM", ("not set", "SCRAM-SHA-512")),
    "no user": Wrong(without("USER"), "USER", ("not set", "SECURITY_PROTOCOL=SASL_SSL needs it", f"{P}USER=")),
    "an empty user": Wrong(SASL | {"USER": ""}, "USER", ("empty",)),
    "no password": Wrong(without("PASSWORD"), "PASSWORD", ("not set", f"{P}PASSWORD=<its password>")),
    "an empty password": Wrong(SASL | {"PASSWORD": ""}, "PASSWORD", ("empty",)),
    "a user for nobody": Wrong({"USER": "ada"}, "USER", ("PLAINTEXT tells nobody's name", "SASL_SSL")),
    "a password for nobody": Wrong(SSL | {"PASSWORD": PASSWORD}, "PASSWORD", ("SSL tells nobody's name",)),
    "an authority for nothing": Wrong({"CA_FILE": "FILES/ca.crt"}, "CA_FILE", ("PLAINTEXT encrypts nothing",)),
    "a certificate for nothing": Wrong(
        SASL | {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "CERTIFICATE_FILE": "FILES/client.pem"},
        "CERTIFICATE_FILE",
        ("SASL_PLAINTEXT encrypts nothing",),
    ),
    "no such file": Wrong(SSL | {"CA_FILE": "/nowhere/ca.crt"}, "CA_FILE", ("no file /nowhere/ca.crt", "kafka/ca.crt")),
    "a folder": Wrong(SSL | {"CA_FILE": "FILES"}, "CA_FILE", ("no file",)),
    "no certificate within": Wrong(SSL | {"CA_FILE": "FILES/none.pem"}, "CA_FILE", ("none.pem", "PEM")),
    "a key without its certificate": Wrong(
        SSL | {"KEY_FILE": "FILES/client.key"}, "KEY_FILE", (f"{P}CERTIFICATE_FILE, whose key it is, is not",)
    ),
    "a certificate without its key": Wrong(SSL | {"CERTIFICATE_FILE": "FILES/client.crt"}, "KEY_FILE", ("client.crt",)),
    "another's key": Wrong(
        SSL | {"CERTIFICATE_FILE": "FILES/client.crt", "KEY_FILE": "FILES/other.pem"}, "KEY_FILE", ("MISMATCH",)
    ),
    "a certificate that is none": Wrong(
        SSL | {"CERTIFICATE_FILE": "FILES/none.pem", "KEY_FILE": "FILES/client.key"}, "KEY_FILE", ("none.pem", "PEM")
    ),
    "an encrypted key": Wrong(
        SSL | {"CERTIFICATE_FILE": "FILES/client.crt", "KEY_FILE": "FILES/encrypted.key"},
        "KEY_FILE",
        ("encrypted.key", "openssl pkey"),
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_what_does_not_fit_is_named_with_an_example_and_no_password(
    monkeypatch: pytest.MonkeyPatch, files: Path, wrong: Wrong
) -> None:
    with pytest.raises(UsedWrongly) as refused:
        read(monkeypatch, wrong.given, files)
    said = str(refused.value)
    assert said.count(P) >= 1
    assert f"needed: {P}{wrong.named}:" in said, said
    assert "; RISKSTREAM" not in said, f"one mistake is one variable: {said}"
    assert all(word in said for word in wrong.says), said
    assert PASSWORD not in said


def test_a_password_that_is_given_twice_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(SECRETS_VARIABLE, str(tmp_path))
    (tmp_path / "riskstream_kafka_password").write_text("an-old-one")
    with pytest.raises(UsedWrongly, match=rf"{P}PASSWORD: it is set, and there is also the file .*remove one") as said:
        read(monkeypatch, SASL, tmp_path)
    assert "an-old-one" not in str(said.value)
