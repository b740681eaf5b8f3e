"""Jinja2 templates as package data: the issue's themes, the small mails, the web pages."""
