"""docs/runbooks/kafka-security.md says what the code does: its variables, and who may do what."""

import re

from local_stack.folders import PROJECT
from riskstream.messaging.access_rules import OPERATOR
from riskstream.runtime.settings import KafkaAccess
from secured_kafka.cluster import DECLARED, RULES

RUNBOOK = (PROJECT / "docs/runbooks/kafka-security.md").read_text()
DEAD_LETTERS = {topic.name for topic in DECLARED.every_topic()} - {topic.name for topic in DECLARED.topics}


def _rows(header: str) -> dict[str, list[str]]:
    """A table's cells by the word in the first one."""
    lines = RUNBOOK[RUNBOOK.index(header) :].splitlines()[2:]
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines[: lines.index("")]]
    return {row[0].strip(" `"): row[1:] for row in cells}


def test_every_variable_is_described_and_no_other() -> None:
    assert set(_rows("| variable | |")) == {f"RISKSTREAM_{name.upper()}" for name in KafkaAccess.model_fields}


def _may(who: str, resource: str, operation: str) -> set[str]:
    return {
        rule.name for rule in RULES if (rule.who, rule.resource) == (who, resource) and operation in rule.operations
    }


def test_the_table_of_rules_is_the_derived_one() -> None:
    table = _rows("| user | writes")
    assert set(table) == {rule.who for rule in RULES}
    for who, cells in table.items():
        derived = (_may(who, "topic", "Write"), _may(who, "topic", "Read"), _may(who, "group", "Read"))
        for cell, allowed in zip(cells, derived, strict=True):
            assert set(re.findall(r"`([^`]+)`", cell)) == allowed - DEAD_LETTERS, (who, cell)
            assert ("dead letters" in cell) == bool(allowed & DEAD_LETTERS), (who, cell)


def test_what_is_said_of_everybody_and_of_the_operator_is_so() -> None:
    every_topic = {topic.name for topic in DECLARED.every_topic()}
    for who in {rule.who for rule in RULES}:
        assert _may(who, "topic", "Describe") == _may(who, "topic", "DescribeConfigs") == every_topic
    assert _may(OPERATOR, "topic", "Create") == every_topic
    assert _may(OPERATOR, "topic", "Read") == DEAD_LETTERS
    assert _may(OPERATOR, "group", "Describe") == {group for topic in DECLARED.topics for group in topic.groups}
    assert {rule.resource for rule in RULES} == {"topic", "group"}
