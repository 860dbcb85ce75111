"""From what people send to lots: a file or JSON becomes rows, rows become positions or findings, all at once."""
