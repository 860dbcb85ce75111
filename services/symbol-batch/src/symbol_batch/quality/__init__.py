"""The quality gate: which bars are suspicious, and why. Pure arithmetic on arrays.

Read in this order: `rules` (the rules by name), `alone` (those for which a symbol's own bars are enough, on the
`panel`), `among` (those that need the others'), `habits` (what both measure by), `reasons` (their sentences),
`judging` (the doors that callers use).
"""

from symbol_batch.quality.judging import BARS_BEFORE, Before, judge, judge_market
from symbol_batch.quality.rules import Finding, Rule

__all__ = ["BARS_BEFORE", "Before", "Finding", "Rule", "judge", "judge_market"]
