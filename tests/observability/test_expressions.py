"""The check of names itself: it must be able to fail."""

import pytest

from observability.expressions import WrongExpression, labels_of

RECORDED = {"job:riskstream_http_errors:rate5m": frozenset({"job"})}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("riskstream_no_such_thing > 0", "riskstream_no_such_thing"),
        ("sum(rate(riskstream_consumer_dead_letters[5m]))", "riskstream_consumer_dead_letters"),
        ('riskstream_outbox_rows{table="x"}', "no label table"),
        ("sum by (topic) (riskstream_outbox_rows)", "no label topic"),
        ("max without (group) (riskstream_outbox_rows)", "no label group"),
        ("histogram_quantile(0.9, sum by (job) (rate(riskstream_night_seconds_bucket[1h])))", "no label le"),
        ("riskstream_outbox_rows * on (topic) riskstream_outbox_oldest_age_seconds", "no label topic"),
        ("sum by (job) (up) / sum by (instance) (up)", "never meets"),
        ("job:riskstream_http_errors:rate9d", "job:riskstream_http_errors:rate9d"),
        ('job:riskstream_http_errors:rate5m{route="/"}', "no label route"),
        ("sum(", "sum("),
        ('{job="analytics"}', "no service"),
    ],
)
def test_what_nobody_shows_is_found(text: str, complaint: str) -> None:
    with pytest.raises(WrongExpression, match=complaint.replace("(", r"\(")):
        labels_of(text, RECORDED)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("max(riskstream_outbox_rows)", set()),
        ("sum by (schema) (riskstream_outbox_rows)", {"schema"}),
        ("riskstream_outbox_rows > 3", {"schema", "job", "instance"}),
        ("2 * up", {"job", "instance"}),
        ("job:riskstream_http_errors:rate5m offset 1h", {"job"}),
        ('absent(riskstream_build_info{service="analytics"})', {"service"}),
        ("histogram_quantile(0.9, sum by (job, le) (rate(riskstream_night_seconds_bucket[1h])))", {"job"}),
        ("max_over_time(max by (schema) (riskstream_outbox_rows)[1h:1m])", {"schema"}),
        ("max without (instance) (up) or sum by (schema) (riskstream_outbox_rows)", {"job", "schema"}),
    ],
)
def test_labels_of_a_result_are_known(text: str, labels: set[str]) -> None:
    assert labels_of(text, RECORDED) == labels
