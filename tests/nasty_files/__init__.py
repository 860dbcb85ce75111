"""Files as they arrive, each with its expected report, by what is nasty about them."""

from nasty_files.brokers_activity import BROKERS_ACTIVITY
from nasty_files.brokers_positions import BROKERS_POSITIONS
from nasty_files.encodings import ENCODINGS
from nasty_files.lines import LINES
from nasty_files.nasty import Nasty
from nasty_files.no_text import NO_TEXT
from nasty_files.values import VALUES
from nasty_files.xml import XML

NASTY = [*ENCODINGS, *NO_TEXT, *LINES, *VALUES, *BROKERS_POSITIONS, *BROKERS_ACTIVITY, *XML]

__all__ = ["NASTY", "Nasty"]
