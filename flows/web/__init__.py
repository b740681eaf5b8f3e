"""The small web app: leaving by one click, the archive, and whether all is well."""
