"""Factor exposures of symbols: pure arithmetic on arrays, no database, no broker, no clock.

Read in this order: `definitions` (the twelve factors), `returns`, `regression` and `ridge` (the two kernels, on the
`sample` they share), `exposures` (all factors of all symbols). Beside the twelve lenses stands the risk model, whose
eight factors do add up: `risk_factors`, `covariance`, `risk_model`.
"""
