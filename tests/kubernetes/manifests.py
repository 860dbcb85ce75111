"""The overlays as kubectl renders them, against the schemas of the API: `python -m kubernetes.manifests`."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from kubernetes import custom_resources

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/k8s"
OVERLAYS = sorted(folder.name for folder in (FOLDER / "overlays").iterdir())
API_VERSION = "1.34"


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    """All resources of an overlay. Raises CalledProcessError where kustomize refuses it."""
    kubectl = shutil.which("kubectl") or str(ROOT / ".tools/kubectl")
    command = [kubectl, "kustomize", str(FOLDER / "overlays" / overlay)]
    text = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return list(yaml.safe_load_all(text))


def faults(resource: dict[str, Any]) -> Iterator[str]:
    """What a schema says against one resource."""
    kind, name = resource["kind"], resource["metadata"]["name"]
    specification = custom_resources.SPECIFICATIONS.get((resource["apiVersion"], kind))
    if specification is not None:
        yield from (f"{kind} {name}: {fault}" for fault in custom_resources.faults(resource, specification))
        return
    try:
        kubernetes_validate.validate(resource, API_VERSION, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        yield f"{kind} {name}: {resource['apiVersion']} is neither Kubernetes' own nor in custom_resources.py"
    except kubernetes_validate.ValidationError as error:
        yield f"{kind} {name}: {'.'.join(map(str, error.path))}: {error.message}"


def main() -> int:
    found = [f"{overlay}: {fault}" for overlay in OVERLAYS for one in rendered(overlay) for fault in faults(one)]
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
