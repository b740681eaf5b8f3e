"""The rules a mail must pass, each a function that yields a sentence for what it finds."""
