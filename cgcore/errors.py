"""The error raised for invalid input, and the warning about questionable input that is used anyway."""


class InputError(ValueError):
    """Invalid input: one sentence that names the file and the key, and says what to do.

    The command line prints the message alone and exits with code 2.
    """


class InputWarning(UserWarning):
    """Input that is used as given but is probably not intended: one sentence that names it, and says what to do.

    The command line prints the message on standard error.
    """
