"""The rule for the names of metrics, and what a declaration tells."""

import pytest

from riskstream.runtime.metrics import Catalogue, catalogue, fault_of_name, page


@pytest.mark.parametrize(
    ("name", "kind", "fault"),
    [
        ("riskstream_outbox_rows", "gauge", None),
        ("riskstream_relay_failures_total", "counter", None),
        ("riskstream_fold_step_seconds", "histogram", None),
        ("riskstream_build_info", "gauge", None),
        ("outbox_rows", "gauge", "is not riskstream_<subject>_<what>"),
        ("riskstream_Outbox_rows", "gauge", "small letters"),
        ("riskstream__rows", "gauge", "is not riskstream_<subject>_<what>"),
        ("riskstream_relay_failures", "counter", "does not end in _total"),
        ("riskstream_outbox_rows_total", "gauge", "is no counter"),
        ("riskstream_outbox_count", "gauge", "as the series of a histogram do"),
        ("riskstream_fold_step", "histogram", "does not end in its base unit"),
        ("riskstream_outbox_age_ms", "gauge", "not in a base unit (ms)"),
        ("riskstream_wait_minutes_total", "counter", "not in a base unit (minutes)"),
    ],
)
def test_a_name_that_breaks_the_rule_is_told_how(name: str, kind, fault: str | None) -> None:
    found = fault_of_name(name, kind)
    assert (found is None) if fault is None else (found is not None and fault in found)


def test_a_metric_with_a_wrong_name_is_not_made() -> None:
    with pytest.raises(ValueError, match="riskstream_test_events is a counter and does not end in _total"):
        Catalogue("nobody").counter("riskstream_test_events", "never")


def test_a_declaration_knows_the_series_that_are_scraped() -> None:
    by_name = {one.name: one for one in catalogue()}
    histogram = by_name["riskstream_http_request_seconds"]
    assert histogram.series == tuple(f"riskstream_http_request_seconds_{end}" for end in ("bucket", "count", "sum"))
    assert (histogram.unit, list(histogram.labels)) == ("seconds", ["method", "route"])
    counter = by_name["riskstream_http_requests_total"]
    assert (counter.series, counter.unit) == (("riskstream_http_requests_total",), None)


def test_no_two_packages_declare_one_name() -> None:
    names = [one.name for one in catalogue()]
    assert names == sorted(set(names))


def test_the_page_has_a_row_for_each_metric() -> None:
    declared = catalogue()
    assert sum(line.startswith("| `riskstream_") for line in page(declared).splitlines()) == len(declared)
