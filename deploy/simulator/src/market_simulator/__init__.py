"""A market that answers in Yahoo's formats: recorded prices or a seeded synthetic market."""
