"""Spans of what providers are asked, within the trace of whoever asks."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import Span

from riskstream.runtime import tracing
from symbol_batch.providers.provider import Answer, Offer, Outcome

Tell = Callable[[Iterable[Answer]], None]


@contextmanager
def asking(provider: str, offer: Offer, symbols: int) -> Iterator[Tell]:
    """A client span around a question about this many symbols; to the function it gives, say the answers.

    The span tells how many answers had which outcome, and is failed where all are refusals. It has no symbols, no
    addresses and no details of answers, which may quote keys. It is made where the question is asked, also where a
    child process asks it, and so lasts as long as waiting for a turn and all tries together.
    """
    with tracing.call(f"{offer.value} {provider}", {"riskstream.provider": provider, "riskstream.symbols": symbols}):
        made = trace.get_current_span() if tracing.part_of_something() else trace.INVALID_SPAN
        yield lambda answers: _tell(made, answers)


def _tell(made: Span, answers: Iterable[Answer]) -> None:
    if not made.is_recording():
        return
    outcomes: Counter[Outcome] = Counter(answer.outcome for answer in answers)
    for outcome, count in outcomes.items():
        made.set_attribute(f"riskstream.outcome.{outcome.lower()}", count)
    if outcomes and all(outcome.is_refusal for outcome in outcomes):
        tracing.failed(made, outcomes.most_common(1)[0][0])
