"""Reads PromQL of rules and dashboards, and holds every name and label in it against what services show.

The labels of an expression's result are inferred from the catalogue of metrics, so that `by`, `on`, matchers and the
`$labels` of an alert's text can be checked without a Prometheus.
"""

from collections.abc import Mapping
from functools import cache, reduce

import promql_parser as promql

from riskstream.runtime import metrics

TARGET = frozenset({"job", "instance"})
"""What Prometheus adds to whatever it scrapes."""
NOT_OURS = {
    "up": TARGET,
    "ALERTS": TARGET | {"alertname", "alertstate", "severity"},
    "process_resident_memory_bytes": TARGET,
    "process_cpu_seconds_total": TARGET,
}
"""Names of Prometheus itself and of its client library."""

Labels = frozenset[str]
Recorded = Mapping[str, Labels]


class WrongExpression(Exception):
    """A name or label that nothing has, or PromQL that cannot be parsed."""


@cache
def catalogue() -> Recorded:
    """By series the labels with which services show it, as Prometheus keeps it."""
    known = dict(NOT_OURS)
    for one in metrics.catalogue():
        for series in one.series:
            bounds = {"le"} if series.endswith("_bucket") else set()
            known[series] = frozenset(one.labels) | TARGET | bounds
    return known


def labels_of(text: str, recorded: Recorded) -> Labels:
    """The labels of the expression's result; `recorded` are the names that recording rules add.

    Raises WrongExpression if it cannot be parsed, or names a series or a label that does not exist.
    """
    try:
        parsed = promql.parse(text)
    except ValueError as error:
        raise WrongExpression(f"{text}: {error}") from error
    return _labels(parsed, {**catalogue(), **recorded})


def _labels(node: object, known: Recorded) -> Labels:
    match node:
        case promql.VectorSelector():
            return _of_selector(node, known)
        case promql.MatrixSelector():
            return _labels(node.vector_selector, known)
        case promql.ParenExpr() | promql.SubqueryExpr() | promql.UnaryExpr():
            return _labels(node.expr, known)
        case promql.Call():
            return _of_call(node, known)
        case promql.AggregateExpr():
            return _of_aggregation(node, known)
        case promql.BinaryExpr():
            return _of_binary(node, known)
        case promql.NumberLiteral() | promql.StringLiteral():
            return frozenset()
    raise WrongExpression(f"nobody said what labels {type(node).__name__} has")


def _of_selector(node: promql.VectorSelector, known: Recorded) -> Labels:
    if node.name is None or node.name not in known:
        raise WrongExpression(f"no service and no recording rule shows {node.name}")
    _demand({one.name for one in node.matchers.matchers}, known[node.name], f"matchers of {node.name}")
    return known[node.name]


def _of_call(node: promql.Call, known: Recorded) -> Labels:
    inner = reduce(frozenset.union, (_labels(one, known) for one in node.args), frozenset())
    if node.func.name == "absent":
        return _equalities(node.args[0])
    if node.func.name == "histogram_quantile":
        _demand({"le"}, inner, "histogram_quantile")
        return inner - {"le"}
    return inner


def _equalities(node: object) -> Labels:
    """What `absent` answers with: the labels that its selector demands a value of."""
    assert isinstance(node, promql.VectorSelector)
    return frozenset(one.name for one in node.matchers.matchers if one.op == promql.MatchOp.Equal)


def _of_aggregation(node: promql.AggregateExpr, known: Recorded) -> Labels:
    inner = _labels(node.expr, known)
    if node.modifier is None:
        return frozenset()
    named = frozenset(node.modifier.labels)
    _demand(named, inner, f"{node.modifier.type} of {node.prettify()}")
    return named if node.modifier.type == promql.AggModifierType.By else inner - named


def _of_binary(node: promql.BinaryExpr, known: Recorded) -> Labels:
    left, right = _labels(node.lhs, known), _labels(node.rhs, known)
    if str(node.op) == "or":
        return left | right
    matching = node.modifier.matching if node.modifier else None
    scalar = isinstance(node.lhs, promql.NumberLiteral) or isinstance(node.rhs, promql.NumberLiteral)
    if matching is not None:
        _demand(frozenset(matching.labels), left & right, f"on or ignoring of {node.prettify()}")
    elif left and right and left != right and not scalar:
        raise WrongExpression(f"{sorted(left)} never meets {sorted(right)} in {node.prettify()}")
    return left or right


def _demand(wanted: set[str] | Labels, present: Labels, where: str) -> None:
    if missing := sorted(wanted - present):
        raise WrongExpression(f"no label {', '.join(missing)} for {where}; there are {sorted(present)}")
