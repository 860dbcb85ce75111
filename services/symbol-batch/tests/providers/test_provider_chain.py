"""The settings that name providers, and the chain made of them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from riskstream.database.engine import create_engine
from riskstream.runtime.clock import Clock
from symbol_batch.provider_chain import provider_chain, provider_status
from symbol_batch.providers.provider import Offer
from symbol_batch.settings import CommandSettings, SymbolBatchSettings

DSN = "postgresql://nobody@127.0.0.1:1/none"


def settings(**variables: str) -> SymbolBatchSettings:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("RISKSTREAM_")]:
            patch.delenv(name)
        for name, value in {"postgres_dsn": DSN, **variables}.items():
            patch.setenv(f"RISKSTREAM_{name.upper()}", value)
        return CommandSettings()


def test_yahoo_alone_is_the_default() -> None:
    assert settings().providers == ("yahoo",)


def test_providers_are_listed_in_order_of_preference(tmp_path: Path) -> None:
    named = settings(providers=" yahoo, massive,files,", massive_key="secret", files_folder=str(tmp_path))
    assert named.providers == ("yahoo", "massive", "files")
    assert "secret" not in repr(named)


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"providers": "yaho"}, "'yahoo', 'massive' or 'files'"),
        ({"providers": ""}, "RISKSTREAM_PROVIDERS=yahoo,massive"),
        ({"providers": "yahoo,yahoo"}, "name each provider once"),
        ({"providers": "yahoo,massive"}, "RISKSTREAM_MASSIVE_KEY=<the key of your plan>"),
        ({"providers": "files"}, "RISKSTREAM_FILES_FOLDER=/srv/market-data"),
        ({"provider_rate": "0"}, "greater than 0"),
    ],
)
def test_a_chain_that_cannot_be_had_is_refused_with_how_to_mend_it(variables, said) -> None:
    with pytest.raises(ValidationError, match=said.replace("(", r"\(")):
        settings(**variables)


def test_the_process_does_not_start_and_says_why_in_one_sentence() -> None:
    ended = subprocess.run(
        [Path(sys.executable).parent / "symbol-batch", "serve"],
        env={"RISKSTREAM_POSTGRES_DSN": DSN, "RISKSTREAM_KAFKA": "nowhere:1", "RISKSTREAM_PROVIDERS": "yahoo,massive"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
    assert "RISKSTREAM_PROVIDERS" in ended.stderr
    assert "RISKSTREAM_MASSIVE_KEY=<the key of your plan>" in ended.stderr


async def test_the_chain_has_its_members_in_order_and_says_how_they_are(database, tmp_path: Path) -> None:
    named = settings(
        postgres_dsn=database.dsns["symbol_batch"],
        providers="files,yahoo",
        files_folder=str(tmp_path),
        yahoo_url="http://127.0.0.1:9",
    )
    engine = create_engine(database.dsns["symbol_batch"], application="test")
    chain = provider_chain(named, engine, Clock())
    assert [member.name for member in chain.members] == ["files", "yahoo"]
    assert chain.offers == set(Offer)
    await chain.members[1].profile("SPY")
    await chain.aclose()
    async with engine.connect() as connection:
        found = await provider_status(named, connection)
        of_others = await provider_status(settings(providers="files", files_folder=str(tmp_path)), connection)
    await engine.dispose()
    assert [(one.provider, one.place, one.configured) for one in found] == [("files", 1, True), ("yahoo", 2, True)]
    assert found[0].limit is None
    assert found[1].limit is not None
    assert found[1].limit.lost >= 1
    assert [(one.provider, one.place) for one in of_others] == [("files", 1), ("yahoo", None)]
