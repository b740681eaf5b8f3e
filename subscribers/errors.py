"""What can go wrong, from the root of the tree down.

NewsletterError              one plain sentence: what happened, to what, what to do
├── InvalidAddress           an e-mail address that cannot be mailed
├── InvalidToken             a signed token that is forged, cut short, or for something else
├── InvalidKeys              the signing keys are missing, unreadable or too short
├── MissingConsent           nobody said what the people to be added agreed to
├── UnknownSubscriber        nobody has this address
├── UnreadableCSV            a file that is no subscriber list at all
└── DatabaseError            the database as a whole
    ├── DatabaseTooNew       it was written by a later version of this software
    └── DatabaseUnavailable  it cannot be opened, written or reached
flows.errors carries on from here.
"""


class NewsletterError(Exception):
    """The root of every error this software raises on purpose."""


class InvalidAddress(NewsletterError):
    """An e-mail address that cannot be mailed."""


class InvalidToken(NewsletterError):
    """A signed token that is forged, cut short, or made for something else."""


class InvalidKeys(NewsletterError):
    """The signing keys are missing, unreadable or too short."""


class MissingConsent(NewsletterError):
    """Nobody said what the people to be added agreed to."""


class UnknownSubscriber(NewsletterError):
    """Nobody has this address."""


class UnreadableCSV(NewsletterError):
    """A file that is no list of subscribers at all."""


class DatabaseError(NewsletterError):
    """Something is wrong with the database as a whole."""


class DatabaseTooNew(DatabaseError):
    """The database was written by a later version of this software."""


class DatabaseUnavailable(DatabaseError):
    """The database cannot be opened, written or reached."""
