"""Feeds to items: fetching politely, reading whatever comes, keeping what it says."""
