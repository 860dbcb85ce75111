"""`make bench`: how fast it is, beside floors and peers of the same run. Not a test: a missed goal is a line."""
