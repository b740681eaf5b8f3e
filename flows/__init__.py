"""The pipeline from feeds to inboxes, and the Prefect flows that run it.

Nothing is imported here: `newsletter --help` must not pay for what it does not use.
"""
