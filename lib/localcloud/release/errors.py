"""What ends a release command, in one line for the person who typed it."""


class ReleaseError(Exception):
    """Something outside the command is missing or refused; the text says what to do."""
