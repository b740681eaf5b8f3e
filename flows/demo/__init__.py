"""A newsletter to try: sample feeds of invented projects, served on loopback, and sample people."""
