"""Every SQL statement of the pipeline; each function is one statement, one transaction."""
