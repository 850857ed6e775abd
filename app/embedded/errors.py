"""Reasons why the embedded servers did not start. The messages are shown in the terminal."""


class CannotStart(Exception):
    """The servers did not start; the message says why and what to do."""


class AlreadyRunning(CannotStart):
    """Another process runs the servers of this data folder."""


class NotInProduction(CannotStart):
    """Production requires a PostgreSQL and a Redis of its own."""


class NoRedisServer(CannotStart):
    """This machine has no Redis server program."""


class NoUsableAccount(CannotStart):
    """This machine has no account under which PostgreSQL can run."""
