"""Why the embedded servers did not start, in words for the person at the terminal."""


class CannotStart(Exception):
    """The servers did not start; the message says why and what to do."""


class AlreadyRunning(CannotStart):
    """Another process runs the servers of this data folder."""


class NotInProduction(CannotStart):
    """Production brings its own PostgreSQL and Redis."""


class NoRedisServer(CannotStart):
    """No Redis program was found on this machine."""


class NoUsableAccount(CannotStart):
    """No account was found under which PostgreSQL agrees to run."""
