"""The stages composed with the store: gather, draft, render, check, send, and the verdict."""
