"""An issue to a mail: HTML, its text twin, and the rules a mail must pass."""
