"""The whole of Riskstream on one machine without Docker: Postgres, Valkey, Kafka, simulator, services."""
