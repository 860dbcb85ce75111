"""What every service means by a return, a factor and a session's weight. Pure arithmetic."""
