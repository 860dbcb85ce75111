"""All SQL of this service, by noun. Functions take the connection of the caller's transaction."""
