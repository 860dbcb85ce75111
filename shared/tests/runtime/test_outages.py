from structlog.testing import capture_logs

from riskstream.runtime.outages import Outage


def told(*attempts: Exception | None) -> list[tuple[str, str]]:
    """What the log holds after attempts that failed, or succeeded: level and type of error or number of failures."""
    outage = Outage("polling")
    with capture_logs() as lines:
        for error in attempts:
            if error is None:
                outage.over()
            else:
                outage.failed(error)
    return [
        (line["log_level"], type(line["exc_info"]).__name__ if "exc_info" in line else str(line["failures"]))
        for line in lines
    ]


def test_an_outage_is_told_once_and_its_end_once() -> None:
    away = [ConnectionRefusedError() for _ in range(50)]
    assert told(*away, None, None) == [("error", "ConnectionRefusedError"), ("info", "50")]


def test_work_that_never_failed_says_nothing() -> None:
    assert told(None, None) == []


def test_another_fault_within_an_outage_is_told_too_and_only_once() -> None:
    faults = [ConnectionRefusedError(), KeyError(), ConnectionRefusedError(), KeyError()]
    assert told(*faults) == [("error", "ConnectionRefusedError"), ("error", "KeyError")]


def test_the_next_outage_is_told_again() -> None:
    assert told(OSError(), None, OSError()) == [("error", "OSError"), ("info", "1"), ("error", "OSError")]
