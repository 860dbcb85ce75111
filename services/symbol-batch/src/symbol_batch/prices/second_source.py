"""What another source says about bars that would be held back."""

from collections.abc import Sequence
from datetime import date

import structlog

from symbol_batch.bars import traded_history
from symbol_batch.calendar import Calendar
from symbol_batch.prices.comparison import repeats
from symbol_batch.providers.provider import BarsAnswer, Offer, Provider
from symbol_batch.store.quarantine import QuarantinedBar

NEAR = 20
"""Sessions back that are asked for as sessions; further back as a history."""

_BARS = {Offer.SESSION, Offer.HISTORY}

log = structlog.get_logger(__name__)


async def agreeing(
    sources: Sequence[Provider], bars: Sequence[QuarantinedBar], session: date, calendar: Calendar
) -> dict[date, str]:
    """Which bars of one symbol, oldest first, another source gives too, and its name.

    The first of `sources` that did not give the bars itself is asked, once. That it refuses or knows nothing is no
    agreement.
    """
    source = next((one for one in sources if bars and one.name != bars[0].source and one.offers & _BARS), None)
    answer = None if source is None else await _asked(source, bars[0].symbol, bars[0].session, session, calendar)
    if answer is None or answer.bars is None:
        return {}
    try:
        history = traded_history(answer.symbol, answer.bars, calendar, session)
    except ValueError as error:
        log.warning("a second source is of no use", symbol=answer.symbol, source=answer.source, error=str(error))
        return {}
    return {bar.session: answer.source for bar in bars if repeats(bar, history, same_source=False)}


async def _asked(source: Provider, symbol: str, first: date, last: date, calendar: Calendar) -> BarsAnswer | None:
    if Offer.SESSION in source.offers and first >= calendar.back(last, NEAR):
        [answer] = await source.session_bars([symbol], calendar.between(first, last))
        return answer
    return await source.history(symbol, first) if Offer.HISTORY in source.offers else None
