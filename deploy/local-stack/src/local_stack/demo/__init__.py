"""`make demo`: the whole main job once, on this machine, and what happened in tables and a page."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.demo.page import page_of, write_page
from local_stack.demo.planted import last_estimates
from local_stack.demo.report import report, sections_of
from local_stack.demo.story import SHOWN, Demo
from local_stack.errors import ServerFailed
from local_stack.folders import PROJECT
from local_stack.narrator import Narrator

PAGE = PROJECT / "build" / "demo-report.html"
LEAD = (
    "A portfolio of a synthetic market after three nights, as make demo found it: prices are made up, and the betas "
    "and the volatility behind them are known. Every number but what was planted is an answer of the API.",
)


def run(page: Path) -> None:
    """Run the demo, print its tables and write its `page`; ServerFailed if a number is not what it must be.

    Leaves nothing running, and nothing behind but the page.
    """
    narrator = Narrator()
    with TemporaryDirectory(prefix="riskstream-demo-", dir="/var/tmp") as folder, ExitStack() as closing:
        demo = Demo(Path(folder), narrator, closing)
        demo.run()
        narrator.heading("What happened\n")
        good = report(narrator.console, demo.told, demo.heard.all(), last_estimates(demo.system.database))
        write_page(page, page_of(f"Riskstream: {SHOWN}", LEAD, sections_of(demo.told)))
        with narrator.step("everything stopped"):
            closing.close()
    narrator.say(f"\nThe same with charts, to open in a browser: {page}")
    if not good:
        raise ServerFailed("the estimates are further from the planted betas than they may be")
