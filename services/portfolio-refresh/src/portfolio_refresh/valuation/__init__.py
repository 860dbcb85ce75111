"""What a portfolio is worth, session by session: pure arithmetic that knows no database and no clock."""
