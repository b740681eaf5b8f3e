"""`python -m flows.cli` is `newsletter`."""

from flows.cli import main

main()
