"""Bad input by the place where it enters, each with a good twin that differs in one property only."""
