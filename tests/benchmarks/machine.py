"""The machine and the programs that the numbers were measured on."""

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import psutil  # type: ignore[import-untyped]
from threadpoolctl import threadpool_info  # type: ignore[import-untyped]

_PACKAGES = ("numpy", "scipy", "statsmodels", "scikit-learn", "asyncpg", "sqlalchemy", "aiokafka", "fastapi", "uvicorn")


def describe_machine() -> dict[str, Any]:
    """What a reader needs to compare numbers; no name and no path of this machine."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "load_before": [round(load, 2) for load in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "blas": _blas(),
        "packages": {name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        named = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        if named:
            return named[0].partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _blas() -> str:
    np.linalg.solve(np.eye(2), np.eye(2))  # loaded when first used
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    return ", ".join(
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')}), {pool['num_threads']} thread(s)"
        for pool in pools
    )
