"""The one place that answers "as-traded bars and actions for these symbols and sessions", and that takes them in."""

from symbol_batch.prices.intake import PriceIntake, Revision, Taken, write_revisions

__all__ = ["PriceIntake", "Revision", "Taken", "write_revisions"]
