"""What the services say to each other: one typed model per event, and the envelope that carries it."""
