"""The groups of `riskstream` that operate the symbol layer: each parses, calls and prints."""
