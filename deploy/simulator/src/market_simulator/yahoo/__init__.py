"""Answers in Yahoo's formats, from a history as of a session."""
