"""The one error that bad input raises."""


class InputError(ValueError):
    """Bad input: one sentence that names the file, the key and the mend.

    The command line prints the message alone and exits with code 2.
    """
