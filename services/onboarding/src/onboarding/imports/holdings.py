"""How options and private holdings are named: contract codes and names that people chose."""

import re

LONGEST_NAME = 64

_NAME = re.compile(r"[A-Z0-9][A-Z0-9 ._&/()+'-]*")


def is_holding_name(name: str) -> bool:
    """Whether the upper-case name of an option or a private holding is plain printable text."""
    return _NAME.fullmatch(name) is not None
