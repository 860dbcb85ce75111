"""Why a request is not done although it was understood. Each says what to do instead."""


class Refused(Exception):
    """The base: `code` is the stable word a program tests for."""

    code: str


class NoSuchPortfolio(Refused):
    """There is none, it was deleted, or it is another owner's; which of these is not told."""

    code = "no_such_portfolio"


class KeyReused(Refused):
    """The idempotency key, or the file, already stands for a creation with other content."""

    code = "idempotency_key_reused"


class CreatedAndDeleted(Refused):
    """What was created under this key has been deleted since; a late retry must not bring it back."""

    code = "created_and_deleted"


class FirstSessionRefused(Refused):
    """The named first session is no session, or no prices are published for it yet."""

    code = "first_session_invalid"


class TooManyUnknownSymbols(Refused):
    """One portfolio alone has more unknown symbols than may wait at all."""

    code = "too_many_unknown_symbols"


class NotNow(Refused):
    """Nothing was stored; the same request may succeed later."""

    code = "not_now"


class SymbolQueueFull(NotNow):
    """So many new symbols wait to be brought in that no more are taken."""

    code = "symbol_queue_full"


class NoTradingSessions(NotNow):
    """The symbol layer has not published its trading sessions yet."""

    code = "no_trading_sessions"
