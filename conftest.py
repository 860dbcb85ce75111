"""Makes the real servers available to every test; each starts when a test first asks for it."""

pytest_plugins = ["local_stack.fixtures", "local_stack.database_fixtures"]
