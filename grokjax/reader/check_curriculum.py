"""Do the stages of a curriculum fit each other and the examples of the task?"""

from itertools import pairwise

from grokjax.core.interfaces import Signature, Task
from grokjax.reader.errors import wrong
from grokjax.reader.run_settings import Curriculum

_KEY = "train.curriculum"


def check_curriculum(curriculum: Curriculum | None, task: Task, signature: Signature) -> None:
    """Refuse stages that do not rise, that never end, and operands of examples that have none.

    Raises:
      SpecError: the first problem.
    """
    if curriculum is None:
        return
    stages = curriculum.stages
    if not stages or any(first >= second for first, second in pairwise(stages)):
        raise wrong(f"{_KEY}.stages", "expected at least one number, each larger than the one before", list(stages))
    if curriculum.accuracy is None and curriculum.at_most is None:
        raise wrong(_KEY, "no stage would ever end", hint="set accuracy or at_most")
    if curriculum.by == "operand":
        _check_operands(curriculum, task, signature)
    elif curriculum.order != "rising":
        raise wrong(f"{_KEY}.order", "changes nothing by: example, whose stages are drawn", curriculum.order)
    elif stages[-1] >= 1:
        raise wrong(f"{_KEY}.stages", "must be shares of the train set below 1, which comes last by itself", stages[-1])


def _check_operands(curriculum: Curriculum, task: Task, signature: Signature) -> None:
    if signature.vocabulary is None or not signature.operands:
        hint = "by: example takes shares of any train set"
        raise wrong(f"{_KEY}.by", "examples of this task have no operands", curriculum.by, hint)
    largest = int(task.table().inputs[:, list(signature.operands)].max())
    if any(stage != int(stage) for stage in curriculum.stages) or curriculum.stages[-1] > largest:
        rule = f"must be whole numbers up to the largest operand, {largest}; the whole train set comes last by itself"
        raise wrong(f"{_KEY}.stages", rule, list(curriculum.stages))
