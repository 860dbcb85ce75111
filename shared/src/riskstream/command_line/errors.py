"""How a command ends that cannot do what it was asked."""


class CommandFailed(Exception):
    """The message is one sentence for standard error: what, where, how to mend it. The exit code is 1."""

    exit_code = 1


class UsedWrongly(CommandFailed):
    """The command was called in a way that makes no sense. The exit code is 2, as for an unknown option."""

    exit_code = 2
