"""Stand-ins for what is too quick, too rare or too far away to be met on time."""
