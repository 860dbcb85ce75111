"""What companies are and report: profiles, statements, earnings dates."""
