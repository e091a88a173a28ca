"""What is said of somebody's data that is read all the same."""


class DataWarning(UserWarning):
    """Results would mean less than they seem to, because of the data."""
