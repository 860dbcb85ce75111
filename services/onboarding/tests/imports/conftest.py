"""Reading files as the API does, on a fixed day."""

import os
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from onboarding.imports.files import read_file
from onboarding.imports.rows import Validated
from onboarding.imports.terms import Terms

TODAY = date(2026, 11, 20)
SAMPLES = Path(__file__).parents[5] / "shared/data/brokers"

Read = Callable[..., Validated]


@pytest.fixture
def read() -> Read:
    """Reads text or bytes on a Friday; `isins` and `day`, the file's, are the caller's terms."""

    def read(
        content: str | bytes,
        *,
        isins: Mapping[str, str] | None = None,
        day: date | None = None,
        most: int = 50_000,
    ) -> Validated:
        sent = content.encode() if isinstance(content, str) else content
        return read_file(sent, Terms(TODAY, isins or {}, day), max_rows=most)

    return read


@pytest.fixture
def sample() -> Callable[[str], bytes]:
    """A broker's file as it was exported; skips where the files are absent, unless they are required."""

    def content(name: str) -> bytes:
        file = SAMPLES / name
        if not file.is_file():
            reason = f"the broker sample {name} is not there"
            if "real-data" in os.environ.get("RISKSTREAM_REQUIRE", "").split(","):
                pytest.fail(f"{reason}, and RISKSTREAM_REQUIRE asks for it")
            print(reason)
            pytest.skip(reason)
        return file.read_bytes()

    return content
