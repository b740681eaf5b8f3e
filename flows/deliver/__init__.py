"""A mail to inboxes: claimed, handed over, recorded, exactly once."""
