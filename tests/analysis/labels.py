"""What a rule says of the only run, for the tests of rules."""


def only(labels):
    """Phase, flags and reason of the only run."""
    assert len(labels.phase) == 1
    return labels.phase[0], labels.flags[0], labels.reason[0]
