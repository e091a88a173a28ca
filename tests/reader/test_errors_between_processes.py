"""An error of a sweep file comes out of another process with its text, also where its cause cannot travel."""

import pickle

from grokjax.reader.errors import Problem, SpecError


class UntoldError(Exception):
    def __reduce__(self):
        raise TypeError("cannot travel")


def test_an_error_with_several_problems_says_the_same_in_another_process():
    error = SpecError(
        Problem("model.width", "must be at least 1", "0", cause=UntoldError("inside")),
        Problem("train.steps", "must be at least 1", "-1"),
    )
    told = pickle.loads(pickle.dumps(error))
    assert str(told) == str(error)
    assert [problem.key for problem in told.problems] == ["model.width", "train.steps"]
    assert told.cause is None
