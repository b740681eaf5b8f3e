"""People and their consent: a library that knows nothing of feeds or mail."""
