"""What holds for every test: real servers to have, logs as if it were the only one, and its name said if it fails."""

import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

# A machine that pauses for a moment is no fault of what is tested. The rest is as it is by default: with `CI` set, the
# examples are the same in every run.
settings.register_profile("unhurried", parent=settings.default, deadline=None)
settings.load_profile("unhurried")

pytest_plugins = ["local_stack.fixtures", "local_stack.database_fixtures"]


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("numprocesses", None):
        config.pluginmanager.register(_Failures(config))


class _Failures:
    """Names what fails at once: several workers show nothing but dots until the summary, which is half an hour away."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._config.get_terminal_writer().line(f"\nFAILED {report.nodeid} ({report.when})")


@pytest.fixture(autouse=True)
def _logs_as_they_were() -> Iterator[None]:
    """Logging is set up for a whole process, and tests share one: after each it is as it was before.

    Our loggers are at module level. One that was cached at its first use would keep the set-up of that test for all
    that follow, which then do not hear it.
    """
    before = {logger: _set_up_of(logger) for logger in _loggers()}
    configure, was_configured, configuration = structlog.configure, structlog.is_configured(), structlog.get_config()
    # Not by the fixture `monkeypatch`: it would then be there before all others and be undone after them.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            structlog, "configure", lambda **options: configure(**options | {"cache_logger_on_first_use": False})
        )
        yield
    structlog.reset_defaults()
    if was_configured:
        configure(**configuration)
    logging.captureWarnings(False)
    for logger in _loggers():
        handlers, level, logger.propagate, logger.disabled = before.get(logger, ([], logging.NOTSET, True, False))
        logger.handlers[:] = handlers
        if logger.level != level:
            logger.setLevel(level)


def _loggers() -> list[logging.Logger]:
    return [logging.root, *(one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger))]


def _set_up_of(logger: logging.Logger) -> tuple[list[logging.Handler], int, bool, bool]:
    return logger.handlers[:], logger.level, logger.propagate, logger.disabled
