"""Items to an issue: each story once, cleaned, shortened, sorted, and written as a file."""
