"""Postgres for the services: engines, bulk paths, migrations, the owner a request speaks for."""
