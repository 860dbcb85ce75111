"""What at least two Riskstream services share: runtime, database, events and messaging."""
