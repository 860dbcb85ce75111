"""A seeded market whose true betas are known."""
