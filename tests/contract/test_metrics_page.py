"""The catalogue of metrics: its page, and that nothing is shown that it does not name."""

import re
from pathlib import Path

from prometheus_client import REGISTRY

from riskstream.runtime import metrics

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
SOURCES = sorted(Path(__file__).parents[2].glob("*/src/riskstream/**/*.py")) + sorted(
    Path(__file__).parents[2].glob("services/*/src/**/*.py")
)


def test_the_page_says_what_the_code_declares() -> None:
    written = PAGE.read_text()
    assert written == metrics.page(metrics.catalogue()), "run: riskstream metrics page > docs/metrics.md"


def test_every_metric_of_ours_that_a_process_would_show_is_in_the_catalogue() -> None:
    declared = {one.name.removesuffix("_total") for one in metrics.catalogue()}
    shown = {family.name for family in REGISTRY.collect() if not re.match(r"(python|process)_", family.name)}
    assert shown == declared


def test_no_module_makes_a_metric_beside_the_catalogue() -> None:
    beside = [
        str(path)
        for path in SOURCES
        if path.name != "metrics.py" or path.parent.name != "runtime"
        if re.search(r"\b(Counter|Gauge|Histogram|Summary|Info|Enum)\(\s*[rf]?\"", path.read_text())
    ]
    assert beside == []
