"""Prices, factor exposures and daily metrics, once per symbol per session."""
