"""Where the documents of the services' APIs are committed."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "api"


def openapi_file(service: str) -> Path:
    return FOLDER / f"{service}.openapi.json"


def text_of(document: dict[str, Any]) -> str:
    """A document as its file has it. Keys keep their order: it is that of the code, and people read it."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
