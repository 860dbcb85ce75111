"""`riskstream doctor` on real servers: each thing is broken, found, mended, and found no more."""

from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
import yaml
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from operating.faults import FAULTS, YEAR
from operating.grants import file_of, granted
from operating.patient import NOW, Patient
from riskstream.command_line.main import run
from riskstream.doctor.clocks import skew
from riskstream.doctor.examined import installed_services
from riskstream.messaging.topics import load_topics
from riskstream.runtime.clock import Clock


async def test_nothing_is_wrong_with_a_system_that_is_well(patient: Patient) -> None:
    found = await patient.examined()
    assert [one for one in found if one.finding.wrong] == []
    assert [one.finding.about for one in found if one.finding.verdict == "not checked"] == ["kafka"]
    assert len({one.check for one in found}) >= 14


@pytest.mark.parametrize("service", [one for one in installed_services() if one.schema], ids=lambda one: one.name)
async def test_the_grants_on_file_are_those_that_migrations_make(service, database) -> None:  # type: ignore[no-untyped-def]
    assert service.declared_grants() == await granted(database, service.schema), (
        f"{file_of(service)} is out of date: PYTHONPATH=tests python -m operating.grants"
    )


async def test_whatever_is_broken_in_the_database_is_found_until_it_is_mended(patient: Patient) -> None:
    newest: dict[str, str] = {}
    for finding in await patient.examined(only="migrations"):
        newest[finding.finding.about] = finding.finding.found.removeprefix("revision ")
    for what, fault in FAULTS.items():
        await patient.execute(fault.breaks.format())
        found = await patient.wrong(only=fault.check)
        assert any(fault.says in one for one in found), (what, found)
        await patient.execute(fault.mends.format(**newest))
        assert await patient.wrong(only=fault.check) == [], what


async def test_every_mend_of_a_grant_is_the_statement_that_mends_it(patient: Patient) -> None:
    for name in ("a grant is missing", "a service may write into the other layer", "owners' rows are not walled off"):
        await patient.execute(FAULTS[name].breaks)
    mends = [one.finding.mend for one in await patient.examined(only="grants") if one.finding.wrong]
    assert len(mends) == 4  # the missing one is told as what there is too much of as well
    for mend in sorted(filter(None, mends), key=lambda said: "GRANT" in said):
        role, _, statement = mend.removeprefix("as ").partition(": ")
        await patient.execute(f"SET ROLE {role}; {statement}; RESET ROLE")
    assert await patient.wrong(only="grants") == []


async def test_a_role_that_could_do_anything_is_told(patient: Patient) -> None:
    await patient.execute("ALTER ROLE onboarding BYPASSRLS", "GRANT riskstream_owner TO analytics")
    try:
        found = await patient.wrong(only="roles")
    finally:
        await patient.execute("ALTER ROLE onboarding NOBYPASSRLS", "REVOKE riskstream_owner FROM analytics")
    assert found == [
        "roles: analytics: it may do more than it should: member of riskstream_owner",
        "roles: onboarding: it may do more than it should: bypassrls",
    ]
    assert await patient.wrong(only="roles") == []


async def test_a_missing_partition_is_made_again_when_mending_is_asked_for(patient: Patient) -> None:
    await patient.execute(f"DROP TABLE valuations.portfolio_snapshots_{YEAR}")
    (found,) = await patient.wrong(only="partitions")
    assert found == f"partitions: valuations.portfolio_snapshots: no partition for {YEAR}"
    assert await patient.wrong(only="partitions") == [found], "looking mends nothing"
    mended = [one for one in await patient.examined(mend=True, only="partitions") if one.mended]
    assert [one.finding.about for one in mended] == ["valuations.portfolio_snapshots"]
    assert await patient.wrong(only="partitions") == []


async def test_a_partition_that_rows_stand_in_the_way_of_is_not_made_and_said_so(patient: Patient) -> None:
    await patient.execute(
        f"DROP TABLE symbols.market_data_cache_{YEAR}",
        "INSERT INTO symbols.market_data_cache (symbol, session, close, currency, source, fetched_at) "
        f"VALUES ('SPY', '{YEAR}-01-04', 1, 'USD', 'test', now())",
    )
    found = await patient.wrong(mend=True, only="partitions")
    assert f"partitions: symbols.market_data_cache: no partition for {YEAR}" in found
    assert any("mending: could not be done" in one for one in found)


async def test_a_missing_topic_is_made_again_and_one_that_differs_is_only_told(patient: Patient) -> None:
    declared = load_topics(patient.topics_file)
    topic, dead = declared.every_topic()
    content = yaml.safe_load(patient.topics_file.read_text())
    content["topics"][0]["retention_days"] = 9
    patient.topics_file.write_text(yaml.safe_dump(content))
    admin = AIOKafkaAdminClient(bootstrap_servers=patient.kafka)
    await admin.start()
    try:
        await admin.delete_topics([dead.name])
    finally:
        await admin.close()
    differs = f"topics: {topic.name}: retention.ms {3 * 86_400_000}, declared is {9 * 86_400_000}"
    assert await patient.wrong(only="topics") == [differs, f"topics: {dead.name}: it does not exist"]
    assert await patient.wrong(mend=True, only="topics") == [differs]


async def test_dead_letters_and_lag_are_counted(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("riskstream.doctor.events.LAG_WARNING", 2)
    topic, dead = load_topics(patient.topics_file).every_topic()
    producer = AIOKafkaProducer(bootstrap_servers=patient.kafka)
    await producer.start()
    try:
        for name, count in ((topic.name, 3), (dead.name, 2)):
            for _ in range(count):
                await producer.send_and_wait(name, b"{}")
    finally:
        await producer.stop()
    found = await patient.wrong(only="consumer lag")
    assert found == [f"consumer lag: {topic.groups[0]}: 3 records behind"]
    # The broker is the session's: other tests' dead letters may lie there too.
    about = dead.name.removesuffix(".dlq")
    assert f"dead letters: {about}: 2 dead letters" in await patient.wrong(only="dead letters")


def test_a_clock_is_judged_by_what_is_certain() -> None:
    assert skew("postgres", 0.9, 0).verdict == "ok"
    assert skew("postgres", -1.2, 0.1).verdict == "warning"
    assert skew("postgres", 1.2, 0.5).verdict == "ok"
    assert skew("postgres", 11, 0.5).verdict == "failed"
    assert "behind" in skew("postgres", -11, 0.5).found


async def test_what_the_doctor_was_not_told_is_said_to_be_unchecked_and_is_no_fault(patient: Patient) -> None:
    blind = replace(patient, without=frozenset({"migrator_dsn", "kafka", "topics_file", "symbol_batch"}))
    found = await blind.examined()
    assert [one for one in found if one.finding.wrong] == []
    reasons = {one.check: one.finding.found for one in found if one.finding.verdict == "not checked"}
    assert "RISKSTREAM_MIGRATOR_DSN" in reasons["migrations"]
    assert "RISKSTREAM_KAFKA" in reasons["kafka"]
    assert "RISKSTREAM_TOPICS_FILE" in reasons["topics"]
    assert "RISKSTREAM_SYMBOL_BATCH_DSN" in reasons["freshness"]


async def test_servers_that_are_away_are_found_and_keep_nothing_else_from_being_looked_at(patient: Patient) -> None:
    away = "127.0.0.1:1"
    dsns = {
        role: dsn.replace(dsn.partition("@")[2].partition("/")[0], away)
        for role, dsn in patient.database.dsns.items()
        if role == "onboarding"
    }
    sick = replace(patient, kafka=away, database=replace(patient.database, dsns=patient.database.dsns | dsns))
    found = await sick.wrong()
    assert any(one.startswith("postgres: onboarding: no connection") for one in found)
    assert any(one.startswith("kafka: kafka: cannot be looked at") for one in found)
    assert any(one.startswith("outbox: ") for one in found)
    password = patient.database.dsns["onboarding"].split(":")[2].partition("@")[0]
    assert not any(password in one for one in found)
    assert {one.check for one in await sick.examined() if one.finding.verdict == "ok"} >= {
        "grants",
        "freshness",
        "redis",
    }


async def test_a_wrong_password_is_told_without_it(patient: Patient) -> None:
    dsn = patient.database.dsns["analytics"]
    password = dsn.split(":")[2].partition("@")[0]
    wrong = replace(
        patient,
        database=replace(
            patient.database, dsns=patient.database.dsns | {"analytics": dsn.replace(password, "not-the-password")}
        ),
    )
    (found,) = await wrong.wrong(only="postgres")
    assert "password authentication failed" in found
    assert "not-the-password" not in found


async def test_the_last_minutes_before_the_next_night_are_no_reason_to_worry(patient: Patient) -> None:
    before = replace(patient, clock=Clock(NOW + timedelta(hours=8, minutes=59)))
    after = replace(patient, clock=Clock(NOW + timedelta(hours=11, minutes=1)))
    assert await before.wrong(only="freshness") == []
    assert len(await after.wrong(only="freshness")) == 1


def test_the_command_prints_findings_and_its_exit_code_says_whether_something_is_wrong(
    patient: Patient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in patient.environment().items():
        monkeypatch.setenv(name, value)
    code = run(["doctor", "--json"])
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    wrong = [line for line in lines if line["verdict"] in {"warning", "failed"} and line["check"] != "dead letters"]
    assert wrong == []
    assert code in {0, 1}  # 1: another test's dead letters lie on the session's broker
    monkeypatch.setenv("RISKSTREAM_ONBOARDING_DSN", "postgresql://onboarding:x@127.0.0.1:1/riskstream")
    assert run(["doctor", "--quiet"]) == 1
    said = capsys.readouterr().out
    assert "failed       postgres       onboarding: no connection" in said
    assert "to mend: see that Postgres runs" in said


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("RISKSTREAM_KAFKA", "kafka", "host:port"),
        ("RISKSTREAM_MIGRATOR_DSN", "mysql://a:sesame@b/c", "postgresql://role:password@127.0.0.1:5432/riskstream"),
        ("RISKSTREAM_ANALYTICS_DSN", "sesame", "RISKSTREAM_ANALYTICS_DSN="),
        ("RISKSTREAM_CLOCK", "yesterday", "2024-12-13T21:00:00-05:00"),
    ],
)
def test_a_wrong_setting_ends_the_command_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    assert run(["doctor"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert variable in said
    assert says in said
    assert "sesame" not in said
