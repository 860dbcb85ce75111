"""Analytics on demand, from a cache that cannot be stale."""
