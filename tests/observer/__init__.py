"""Eyes on a running system that share nothing with it: its tables, read as superuser; its topics, as any consumer."""
