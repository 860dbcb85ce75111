"""`make demo`: the whole main job once, on this machine, and what happened in tables."""

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.demo.planted import last_estimates
from local_stack.demo.report import report
from local_stack.demo.story import Demo
from local_stack.errors import ServerFailed
from local_stack.narrator import Narrator


def run() -> None:
    """Run the demo and print its tables; ServerFailed if a number is not what it must be. Leaves nothing running."""
    narrator = Narrator()
    with TemporaryDirectory(prefix="riskstream-demo-", dir="/var/tmp") as folder, ExitStack() as closing:
        demo = Demo(Path(folder), narrator, closing)
        demo.run()
        narrator.heading("What happened\n")
        good = report(narrator.console, demo.told, demo.heard.all(), last_estimates(demo.system.database))
        with narrator.step("everything stopped"):
            closing.close()
    if not good:
        raise ServerFailed("the estimates are further from the planted betas than they may be")
