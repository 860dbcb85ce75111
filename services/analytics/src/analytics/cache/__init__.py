"""Answers kept where they are quick to find. Nothing here decides what is right: the key does."""
