"""What is said of data, or of a device, that is used all the same."""


class DataWarning(UserWarning):
    """Results would mean less than they seem to, because of the data or the device."""
