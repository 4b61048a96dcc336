"""What ends an operator's command, in words for the person who typed it."""


class OperationError(Exception):
    """Something is missing, refused or unsafe; the text says what to do."""
