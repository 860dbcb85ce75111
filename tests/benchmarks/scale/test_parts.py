"""Each part of the scale benchmark, so small that what it measures means nothing: that it measures what it says."""

import asyncio

import pytest
from rich.console import Console

from benchmarks.bench import Bench
from benchmarks.crowd import Crowd
from benchmarks.exposures import Compared
from benchmarks.figure import Figure
from benchmarks.scale import changes, symbols
from benchmarks.scale import peers as peers_part
from benchmarks.scale.growth import Beside, Curve, Pair, Point, sizes_asked
from benchmarks.scale.peers import Peers
from benchmarks.scale.tables import tables_of, tables_of_peers
from benchmarks.scale.weight import log_of
from observer.tables import Tables
from riskstream.events.portfolio import PortfolioChanged
from riskstream.messaging.cluster import connected


def text_of(*tables) -> str:
    console = Console(width=200)
    with console.capture() as captured:
        console.print(*tables)
    return captured.get()


def test_every_portfolio_is_changed_once_by_an_event_and_folded_again(bench: Bench) -> None:
    [point] = changes.measure(bench, [12]).points
    assert point.size == 12
    assert point.rows == 12 * (changes.POSITIONS + 2)
    assert point.seconds >= point.details["until all are on the topic, s"] > 0
    assert point.details["left to the sweeper"] == 0
    assert point.details["events not yet dealt with"] == 0
    assert point.details.keys() >= {"checkpoints", "full pages in the log"}
    assert point.wal_bytes
    assert point.processor_seconds


def test_events_that_nobody_has_dealt_with_are_not_left_to_the_next_size(bench: Bench) -> None:
    kafka = bench.servers.kafka.address
    with bench.database() as database:
        Crowd(database, bench.market, kafka).add(30, 1)
        asyncio.run(changes._change_each(database, bench.market.first))
        asyncio.run(changes._send(database, kafka))
    asyncio.run(changes._skip_what_is_left(kafka))
    stands, ends = asyncio.run(_stands_and_ends(kafka))
    assert stands == ends
    assert sum(ends.values()) >= 30


async def _stands_and_ends(kafka: str) -> tuple[dict[int, int], dict[int, int]]:
    topic = PortfolioChanged.topic
    async with connected(kafka) as cluster:
        stands = await cluster.committed(changes.GROUP)
        ends = (await cluster.bounds([topic]))[topic].end
    return {partition: offset for (_, partition), offset in stands.items()}, dict(ends)


def test_pages_that_are_changed_first_after_a_checkpoint_are_counted_with_it(bench: Bench) -> None:
    with bench.database() as database:
        before = log_of(database)
        bench.servers.postgres.execute("CHECKPOINT")
        Tables(database).rows("UPDATE symbols.symbol_universe SET added_at = now() RETURNING 1")
        Tables(database).wait(
            "the page is counted", "SELECT wal_fpi > $1 FROM pg_stat_wal", before.full_pages, seconds=10
        )
        written = log_of(database).since(before)
    assert written.checkpoints >= 1
    assert written.bytes > 0
    assert written.details.keys() == {"full pages in the log", "checkpoints"}


def test_a_night_is_measured_with_its_processor_by_step(bench: Bench, monkeypatch) -> None:
    monkeypatch.setattr(symbols, "NIGHTS", 1)
    [point] = symbols.measure(bench, [40]).points
    assert point.runs == (point.seconds,)
    steps = [seconds for name, seconds in point.details.items() if name.startswith("processor of ")]
    assert point.processor_seconds is not None
    assert 0.5 * point.processor_seconds < sum(steps) <= point.processor_seconds
    assert 0 <= point.details["of all the system's, s"] <= point.processor_seconds


def test_of_several_nights_the_one_in_the_middle_counts() -> None:
    assert symbols.middle([{"seconds": 3.0}, {"seconds": 1.0}, {"seconds": 2.0}])["seconds"] == 2.0


def test_the_loop_over_symbols_is_timed_at_every_size(bench: Bench) -> None:
    beside = peers_part._exposures(bench, [30, 60])
    assert [pair.size for pair in beside.pairs] == [30, 60]
    assert all(pair.ratio > 1 for pair in beside.pairs), "one symbol at a time takes longer than all at once"


def test_beyond_its_sample_the_loop_is_what_a_symbol_takes_times_their_number() -> None:
    assert Compared(symbols=60, ours=[1.0], sample=20, theirs=[3.0, 2.0, 9.0]).scaled == pytest.approx(9.0)


def test_books_are_compared_with_skfolio_and_pandas_at_every_size(bench: Bench) -> None:
    pytest.importorskip("skfolio", reason="a peer, which make bench-scale installs")
    risk, tails = peers_part._books(bench, [30, 60])
    assert (risk.peer, tails.peer) == ("skfolio", "pandas")
    assert [pair.size for pair in risk.pairs] == [pair.size for pair in tails.pairs] == [30, 60]


def test_a_figure_that_is_no_time_beside_a_reference_is_no_pair() -> None:
    with pytest.raises(ValueError, match="not of /s"):
        peers_part._pair(1, Figure(name="a", what="b", value=1.0, unit="/s", sense="at least", goal=1.0))


GROWN = Beside("risk", "a book", "names", "skfolio", (Pair(10, 0.001, 0.002), Pair(100, 0.01, 0.2)), "with a note")
PEERS = Peers(
    (
        Figure(name="peers", what="VaR of a book", value=2.0, unit="ms", sense="at least", goal=1.0,
               reference="pandas, ms", reference_value=5.0, ratio=2.5),
    ),
    (GROWN,),
)  # fmt: skip


def test_a_peer_that_grows_faster_has_the_larger_exponent_and_ratio() -> None:
    assert [pair.ratio for pair in GROWN.pairs] == pytest.approx([2, 20])
    assert GROWN.exponents == pytest.approx((1.0, 2.0))
    assert Beside("a", "b", "c", "d", (Pair(1, 1.0, 1.0),)).exponents == (None, None)


def test_peers_are_told_with_their_ratios_in_tables_and_in_json() -> None:
    told = " ".join(text_of(*tables_of_peers(PEERS)).split())
    for said in ("VaR of a book", "pandas, ms", "2.5", "ours and skfolio; grow as size to the 1.00 and 2.00", "20"):
        assert said in told
    written = PEERS.as_json()
    assert written["figures"][0]["ratio"] == 2.5
    assert [pair["ratio"] for pair in written["grown"][0]["pairs"]] == pytest.approx([2, 20])
    assert written["grown"][0]["exponent_of_peer"] == pytest.approx(2.0)


def test_details_are_told_by_size_with_how_they_grow_and_trifles_are_not() -> None:
    curve = Curve(
        "nights", "what", "symbols",
        (Point(10, 1.0, details={"publish, s": 1.0, "trifle, s": 0.001, "swept": 0.0}),
         Point(100, 9.0, details={"publish, s": 100.0, "trifle, s": 0.002, "swept": 7.0})),
    )  # fmt: skip
    _, details = map(text_of, tables_of(curve))
    [publish] = [line for line in details.splitlines() if "publish" in line]
    assert "2.00" in publish
    assert "trifle" not in details
    assert "swept" in details, "from nothing to seven has no exponent, and is told"


def test_a_curve_without_details_is_one_table() -> None:
    assert len(list(tables_of(Curve("a", "b", "c", (Point(10, 1.0), Point(20, 2.0)))))) == 1


def test_the_growth_of_processor_time_is_that_of_its_last_step() -> None:
    curve = Curve("a", "b", "c", (Point(1, 1.0, processor_seconds=1.0), Point(10, 1.0, processor_seconds=1.0),
                                  Point(100, 1.0, processor_seconds=10.0)))  # fmt: skip
    assert curve.last_processor_exponent == pytest.approx(1.0)
    assert Curve("a", "b", "c", (Point(1, 1.0), Point(10, 1.0))).last_processor_exponent is None


def test_sizes_beyond_the_largest_asked_for_are_left_out_and_a_trial_divides_them(bench: Bench) -> None:
    assert sizes_asked(bench, (1_000, 5_000, 20_000), up_to=5_000) == [50, 250]


def test_pictures_are_drawn_of_curves_and_of_peers(tmp_path) -> None:
    pytest.importorskip("matplotlib", reason="make bench-scale installs it")
    from benchmarks.scale.plots import draw  # noqa: PLC0415 - only where it is installed

    one, two = Curve("one", "b", "c", (Point(1, 1.0),)), Curve("two", "b", "c", (Point(1, 1.0), Point(9, 9.0)))
    drawn = draw([one, two], [GROWN], tmp_path)
    assert [path.name for path in drawn] == ["scale-two.svg", "scale-peers-risk.svg"], "one point is no curve"
    assert all("<svg" in path.read_text() for path in drawn)
