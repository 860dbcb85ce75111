"""Why a request is not done although it was understood. Each says what to do instead."""

from collections.abc import Sequence


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


class NoSuchLot(Refused):
    """There is none in this portfolio, or it was deleted."""

    code = "no_such_lot"


class NoSuchFlow(Refused):
    """There is none in this portfolio, or it was deleted."""

    code = "no_such_cash_flow"


class NoSuchPrice(Refused):
    """No price was given for this day."""

    code = "no_such_price"


class VersionConflict(Refused):
    """Somebody has changed it since the caller saw it."""

    code = "precondition_failed"

    def __init__(self, current: int, what: str) -> None:
        super().__init__(
            f'Somebody changed {what} since: its ETag is "{current}" now. Read it again, look whether your change '
            "still makes sense, and send it with that ETag in If-Match."
        )
        self.current = current


class TooManyLots(Refused):
    """The portfolio would have more lots than one may."""

    code = "too_many_rows"


class LotClosed(Refused):
    """What is closed is not closed again."""

    code = "lot_closed"


class PublicPrice(Refused):
    """The price of what is traded is the market's."""

    code = "price_of_public_lot"


class FieldRefused(Refused):
    """A field of the body is understood, and what it says cannot be; `mend` says what to write instead."""

    def __init__(self, field: str, code: str, message: str, value: str, mend: str) -> None:
        super().__init__(message)
        self.field = field
        self.code = code
        self.value = value
        self.mend = mend


class FlowsRefused(Refused):
    """Flows that came together and cannot be, each with its index."""

    code = "cash_flows_invalid"

    def __init__(self, found: Sequence[tuple[int, FieldRefused]]) -> None:
        count = len(found)
        super().__init__(f"{count:,} {'cash flow' if count == 1 else 'cash flows'} cannot be; nothing was stored.")
        self.found = found
