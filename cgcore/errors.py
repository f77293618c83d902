"""The one error that bad input raises, and the one warning about input that is used all the same."""


class InputError(ValueError):
    """Bad input: one sentence that names the file, the key and the mend.

    The command line prints the message alone and exits with code 2.
    """


class InputWarning(UserWarning):
    """Input that is used as it was given, though it is hardly meant: one sentence that names it and the mend.

    The command line prints the message on standard error.
    """
