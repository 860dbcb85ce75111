"""A folder of files: what is read, what is said of what cannot be read, and files that come later."""

import os
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from symbol_batch.providers.files import FilesProvider
from symbol_batch.providers.provider import NotOffered, Outcome

BARS = """symbol,session,open,high,low,close,volume,currency
AAA,2025-07-08,10,11,9,10.5,1000,USD
AAA,2025-07-09,10.5,12,10,11.5,2000,USD
BRK.B,2025-07-09,480,481,479,480.5,300,
"""
SESSIONS = [date(2025, 7, 8), date(2025, 7, 9)]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "bars").mkdir()
    (tmp_path / "bars" / "july.csv").write_text(BARS)
    (tmp_path / "actions.csv").write_text(
        "symbol,ex_date,kind,value\nAAA,2025-07-09,dividend,0.25\nAAA,2025-07-09,split,2\nAAA,2025-06-01,dividend,9\n"
    )
    (tmp_path / "profiles.csv").write_text(
        "symbol,kind,name,sector,shares_outstanding,next_earnings\nAAA,EQUITY,Aaa Inc.,Technology,1e9,2025-08-01\n"
    )
    return tmp_path


@pytest.fixture
def files(folder):
    return FilesProvider(folder)


async def test_bars_come_as_traded_with_the_actions_of_their_days(files) -> None:
    answers = await files.session_bars(["AAA", "BRK-B"], SESSIONS)
    assert [answer.outcome for answer in answers] == [Outcome.OK] * 2
    bars = answers[0].bars
    assert bars.basis == "as_traded"
    assert bars.days.tolist() == SESSIONS
    assert (bars.close.tolist(), bars.volume.tolist()) == ([10.5, 11.5], [1000, 2000])
    assert bars.dividends == ((date(2025, 7, 9), 0.25),)
    assert bars.ratios == ((date(2025, 7, 9), 2.0),)
    assert answers[1].bars.close.tolist() == [480.5]


async def test_actions_and_profiles_are_read(files) -> None:
    actions = (await files.actions("AAA", date(2025, 1, 1))).actions
    assert actions.dividends == ((date(2025, 6, 1), 9.0), (date(2025, 7, 9), 0.25))
    profile = (await files.profile("AAA")).profile
    assert (profile.kind, profile.name, profile.sector) == ("EQUITY", "Aaa Inc.", "Technology")
    assert (profile.shares_outstanding, profile.next_earnings) == (1e9, date(2025, 8, 1))
    assert (profile.country, profile.trailing_eps) == (None, None)
    assert (await files.profile("ZZZ")).outcome is Outcome.STALE
    with pytest.raises(NotOffered):
        await files.fundamentals("AAA")


async def test_parquet_and_csv_give_the_same(files, folder) -> None:
    expected = (await files.history("AAA", SESSIONS[0])).bars
    (folder / "bars" / "july.csv").unlink()
    table = pa.table(
        {
            "Symbol": ["AAA", "AAA"],
            "Session": pa.array(SESSIONS),
            "Open": [10.0, 10.5],
            "High": [11.0, 12.0],
            "Low": [9.0, 10.0],
            "Close": [10.5, 11.5],
            "Volume": [1000, 2000],
        }
    )
    pq.write_table(table, folder / "bars" / "july.parquet")
    found = (await files.history("AAA", SESSIONS[0])).bars
    for name in ("days", "open", "high", "low", "close", "volume"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


async def test_a_file_that_comes_later_is_seen_and_a_corrected_one_read_again(files, folder) -> None:
    sessions = [*SESSIONS, date(2025, 7, 10)]
    (stale,) = await files.session_bars(["AAA"], sessions)
    assert (stale.outcome, stale.detail) == (
        Outcome.STALE,
        "no bar of 2025-07-10; its last bar is of 2025-07-09",
    )
    later = folder / "bars" / "2025-07-10.csv"
    later.write_text("symbol,session,close\nAAA,2025-07-10,12\n")
    (answer,) = await files.session_bars(["AAA"], sessions)
    assert (answer.outcome, answer.bars.close[-1]) == (Outcome.OK, 12.0)
    assert np.isnan(answer.bars.volume[-1])
    later.write_text("symbol,session,close\nAAA,2025-07-10,12.75\n")
    (answer,) = await files.session_bars(["AAA"], sessions)
    assert answer.bars.close[-1] == 12.75


async def test_the_same_bar_in_two_files_is_one_and_two_different_ones_stay_two(files, folder) -> None:
    (folder / "bars" / "again.csv").write_text(BARS)
    assert (await files.history("AAA", SESSIONS[0])).bars.days.tolist() == SESSIONS
    (folder / "bars" / "other.csv").write_text("symbol,session,close\nAAA,2025-07-09,99\n")
    days = (await files.history("AAA", SESSIONS[0])).bars.days.tolist()
    assert days == [SESSIONS[0], SESSIONS[1], SESSIONS[1]]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("AAA,2025-07-10,1,1,1,1.2.3,5,USD", "july.csv line 5: column close is '1.2.3', no number"),
        ("AAA,10/07/2025,1,1,1,1,5,USD", "july.csv line 5: column session is '10/07/2025', no date"),
        ("AAA,,1,1,1,1,5,USD", "july.csv line 5: column session is empty"),
        ('AAA,2025-07-10,1,1,1,"1,234.5",5,USD', "column close is '1,234.5', no number; write it as 1234.5"),
        ("AAA,2025-07-10,1,1,1,1,5,GBp", "priced in GBp; only USD is used"),
    ],
)
async def test_a_line_that_cannot_be_used_is_bad_data_for_its_symbol_alone(files, folder, line, says) -> None:
    (folder / "bars" / "july.csv").write_text(f"{BARS}{line}\n")
    bad, good = await files.session_bars(["AAA", "BRK-B"], SESSIONS)
    assert (bad.outcome, good.outcome) == (Outcome.BAD_DATA, Outcome.OK)
    assert says in bad.detail


async def test_blank_lines_do_not_shift_the_line_that_is_named(files, folder) -> None:
    (folder / "bars" / "july.csv").write_text(f"{BARS}\n\nAAA,2025-07-10,1,1,1,x,5,USD\n")
    assert "july.csv line 7: column close is 'x'" in (await files.history("AAA", SESSIONS[0])).detail


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("bars/bad.csv", b"symbol,session\nAAA,2025-07-09\n", "bad.csv has no column close"),
        ("bars/bad.csv", b"symbol,session,close,close\n", "column close is there twice"),
        ("bars/bad.csv", b"", "no header"),
        ("bars/bad.csv", b"symbol,session,close\nAAA,2025-07-09\n", "bad.csv cannot be read"),
        ("bars/bad.csv", "symbol,session,close\nAÄ,2025-07-09,1\n".encode("latin-1"), "bad.csv cannot be read"),
        ("bars/bad.csv", b"symbol,session,close\n,2025-07-09,1\n", "bad.csv line 2: column symbol is empty"),
        ("bars/bad.parquet", b"PAR1 and then nothing", "bad.parquet cannot be read"),
        ("actions.csv", b"symbol,when\n", "actions.csv has no column ex_date, kind, value"),
        ("provider.toml", b"basis = 'adjusted'\n", "provider.toml says"),
        ("provider.toml", b"basis = \n", "provider.toml cannot be read"),
        ("provider.toml", b"currency = 'EUR'\n", "it may say basis"),
    ],
)
async def test_a_file_that_cannot_be_used_is_said_for_every_symbol(files, folder, name, content, says) -> None:
    (folder / name).write_bytes(content)
    answers = await files.session_bars(["AAA", "BRK-B"], SESSIONS)
    assert [answer.outcome for answer in answers] == [Outcome.TRANSPORT] * 2
    assert all(says in answer.detail for answer in answers), answers


async def test_no_folder_says_which_and_what_to_do(tmp_path) -> None:
    (answer,) = await FilesProvider(tmp_path / "gone").session_bars(["AAA"], SESSIONS)
    assert answer.outcome is Outcome.TRANSPORT
    assert "RISKSTREAM_FILES_FOLDER" in answer.detail


@pytest.mark.parametrize("row", ["AAA,2025-07-09,merger,1", "AAA,2025-07-09,split,0", "AAA,2025-07-09,dividend,-1"])
async def test_an_action_that_makes_no_sense_is_bad_data(files, folder, row) -> None:
    (folder / "actions.csv").write_text(f"symbol,ex_date,kind,value\n{row}\n")
    bad, good = await files.session_bars(["AAA", "BRK-B"], SESSIONS)
    assert (bad.outcome, good.outcome) == (Outcome.BAD_DATA, Outcome.OK)


async def test_a_symbol_in_no_file_is_unknown_only_where_the_folder_claims_to_be_complete(files, folder) -> None:
    assert (await files.history("ZZZ", SESSIONS[0])).outcome is Outcome.STALE
    (folder / "provider.toml").write_text('universe = "complete"\nbasis = "split_adjusted"\n')
    answer = await files.history("ZZZ", SESSIONS[0])
    assert answer.outcome is Outcome.NOT_FOUND
    known = await files.history("AAA", SESSIONS[0])
    assert (known.outcome, known.bars.basis) == (Outcome.OK, "split_adjusted")
    assert (await files.history("AAA", date(2025, 8, 1))).outcome is Outcome.STALE


async def test_a_close_that_is_left_empty_is_a_gap(files, folder) -> None:
    (folder / "bars" / "july.csv").write_text(f"{BARS}AAA,2025-07-10,1,1,1,,5,USD\n")
    (answer,) = await files.session_bars(["AAA"], [*SESSIONS, date(2025, 7, 10)])
    assert answer.outcome is Outcome.STALE
    assert "its last bar is of 2025-07-09" in answer.detail


async def test_a_folder_is_read_once_until_it_changes(files, folder, monkeypatch) -> None:
    await files.history("AAA", SESSIONS[0])
    read = []
    real = pa.csv.read_csv
    monkeypatch.setattr("pyarrow.csv.read_csv", lambda path, **options: read.append(path) or real(path, **options))
    await files.session_bars(["AAA", "BRK-B"], SESSIONS)
    assert read == []
    os.utime(folder / "bars" / "july.csv", ns=(1, 1))
    await files.history("AAA", SESSIONS[0])
    assert [path.name for path in read] == ["july.csv"]
