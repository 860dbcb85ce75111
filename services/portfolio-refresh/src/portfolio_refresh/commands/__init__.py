"""What an operator does with portfolio-refresh: groups of the command `riskstream`."""
