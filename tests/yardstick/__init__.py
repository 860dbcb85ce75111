"""Independent answers to hold ours against: other libraries, other code, the recorded prices themselves."""
