"""`riskstream metrics`: the catalogue of the metrics that services show to Prometheus."""

from dataclasses import asdict

import typer

from riskstream.command_line.output import AsJson, say, show_list
from riskstream.runtime import metrics

app = typer.Typer(help="The metrics that services show at /metrics.")


@app.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Every metric of the installed packages: name, type, meaning, labels, who exports it."""
    declared = [asdict(one) | {"series": list(one.series)} for one in metrics.catalogue()]
    show_list(declared, ("name", "kind", "labels", "exported_by"), as_json=as_json)


@app.command("page")
def page() -> None:
    """The same as the page docs/metrics.md."""
    say(metrics.page(metrics.catalogue()).rstrip("\n"))
