"""The alert rules as the Prometheus operator takes them: `python -m kubernetes.rules`, part of `make documents`."""

import yaml

from kubernetes.manifests import FOLDER
from observability.rules import groups

FILE = FOLDER / "components/prometheus-operator/rules.yaml"
HEAD = "# Made of deploy/observability/rules by `make documents`; comments and tests are there.\n"


def written() -> str:
    """The file: all groups, in the order of the files' names."""
    resource = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "riskstream"},
        "spec": {"groups": groups()},
    }
    return HEAD + yaml.safe_dump(resource, sort_keys=False, allow_unicode=True, width=120)


if __name__ == "__main__":
    FILE.write_text(written())
