"""Every event type there is: what a record may be, and which topic it travels on."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from riskstream.events.event import Event
from riskstream.events.portfolio import (
    PortfolioChanged,
    PortfolioRefreshCompleted,
    PortfolioRefreshed,
    PortfolioRefreshRequested,
)
from riskstream.events.symbol import (
    SymbolBatchCompleted,
    SymbolFactorsUpdated,
    SymbolFailed,
    SymbolReady,
    SymbolRequested,
)


class UnknownEventTypeError(LookupError):
    """No model reads the type: it is no event of ours, or a newer major version than this code knows."""


class Catalogue:
    """The event models of a system, by type and by topic. Refuses two models of one type."""

    def __init__(self, models: Iterable[type[Event]]) -> None:
        by_type: dict[str, type[Event]] = {}
        by_topic: dict[str, tuple[type[Event], ...]] = defaultdict(tuple)
        for model in models:
            if model.type in by_type:
                raise ValueError(
                    f"{model.__name__} and {by_type[model.type].__name__} are both {model.type!r};"
                    " give the newer meaning a new major version"
                )
            by_type[model.type] = model
            by_topic[model.topic] += (model,)
        self.by_type: Mapping[str, type[Event]] = MappingProxyType(by_type)
        self.by_topic: Mapping[str, tuple[type[Event], ...]] = MappingProxyType(dict(by_topic))

    def model(self, event_type: str) -> type[Event]:
        """The model that reads `event_type`; raises UnknownEventTypeError where there is none."""
        try:
            return self.by_type[event_type]
        except KeyError:
            raise UnknownEventTypeError(
                f"no model reads event type {event_type!r}; deploy the version of this service that knows it"
            ) from None

    def topics(self) -> tuple[str, ...]:
        """The topics that events travel on, sorted. Dead letter topics are not among them."""
        return tuple(sorted(self.by_topic))


CATALOGUE = Catalogue(
    (
        SymbolRequested,
        SymbolReady,
        SymbolFailed,
        SymbolFactorsUpdated,
        SymbolBatchCompleted,
        PortfolioChanged,
        PortfolioRefreshRequested,
        PortfolioRefreshed,
        PortfolioRefreshCompleted,
    )
)


def topics() -> tuple[str, ...]:
    """The topics of Riskstream's own events, sorted."""
    return CATALOGUE.topics()
