"""An edition of the symbol layer as arrays."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Edition:
    """The exposures of S symbols to the F factors of `analytics.factors`, never changed once made.

    A symbol that is in `index` is known; where its exposure could not be estimated `betas` is NaN and `reasons` says
    why. Methods and windows are those the edition was estimated with; null where it holds no estimate of the factor.
    """

    edition: int
    index: Mapping[str, int]
    """Symbol to its row."""
    betas: NDArray[np.float64]
    """(S, F)"""
    standard_errors: NDArray[np.float64]
    """(S, F), classical."""
    reasons: Mapping[tuple[str, int], str]
    """(symbol, factor's column) to the reason why there is no exposure."""
    methods: tuple[str | None, ...]
    """(F,)"""
    windows: tuple[int | None, ...]
    """(F,) sessions."""

    def rows(self, symbols: tuple[str, ...]) -> NDArray[np.intp]:
        """(N,) the row of each symbol, −1 where the edition does not hold it."""
        return np.array([self.index.get(symbol, -1) for symbol in symbols], dtype=np.intp)

    def with_more(self, other: "Edition") -> "Edition":
        """This edition and the symbols of `other` that it lacks; both must be parts of the same edition."""
        if other.edition != self.edition:
            raise ValueError(f"edition {self.edition} cannot be extended with symbols of edition {other.edition}")
        new = [symbol for symbol in other.index if symbol not in self.index]
        taken = other.rows(tuple(new))
        index = dict(self.index)
        index.update({symbol: len(self.index) + n for n, symbol in enumerate(new)})
        return Edition(
            edition=self.edition,
            index=index,
            betas=np.concatenate([self.betas, other.betas[taken]]),
            standard_errors=np.concatenate([self.standard_errors, other.standard_errors[taken]]),
            reasons={**other.reasons, **self.reasons},
            methods=tuple(ours or theirs for ours, theirs in zip(self.methods, other.methods, strict=True)),
            windows=tuple(ours or theirs for ours, theirs in zip(self.windows, other.windows, strict=True)),
        )
