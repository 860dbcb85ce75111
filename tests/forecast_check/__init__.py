"""Judges the measures `risk` and `var` by what came after: a fixed panel of books over recorded sessions."""
