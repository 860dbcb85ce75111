"""Massive's formats (formerly Polygon.io): a whole market's day in one answer, as traded."""
