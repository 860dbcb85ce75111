"""Portfolios in: JSON and CSV, all errors at once, a status that is always true."""
