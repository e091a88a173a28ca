"""Two operations modulo p in one table, told apart by the operator token: which one is grokked first?

Papers: Mallinar, Beaglehole, Zhu, Radhakrishnan, Pandit, Belkin 2024 (arXiv 2407.20199), appendix E, for x + y beside
x^2 + y^2. The measure `by_operation` counts what is right of either.
"""

from functools import lru_cache

import numpy as np

from grokjax.core.drawn_task import TableTask
from grokjax.core.interfaces import Table
from grokjax.core.part import part, setting
from grokjax.tasks.modular_arithmetic import ModularArithmetic

_COLUMNS = (0, 1, 2)  # x op y: all of them differ between examples


@part
class ModularMixture(TableTask):
    """f(x, y) and g(x, y) modulo p over all ordered pairs, as tokens `x op y =`; one train fraction for both.

    Numbers are the symbols 0 to p - 1, the operator of f is p, that of g is p + 1, and = is p + 2. All examples of f
    come first. Models without attention read the operator too.
    """

    paper = "Mallinar, Beaglehole, Zhu, Radhakrishnan, Pandit, Belkin 2024, arXiv 2407.20199, appendix E"

    first: str = setting("x+y", "an operation of modular_arithmetic")
    second: str = setting("x^2+y^2", "another operation of modular_arithmetic")
    modulus: int = setting(61, "p: numbers are 0 to p-1", at_least=2)

    def table(self) -> Table:
        if self.first == self.second:
            raise ValueError(f"task.second: must be another operation than task.first, got {self.second!r} for both")
        return _table(self.first, self.second, self.modulus)


@lru_cache(maxsize=16)
def _table(first: str, second: str, modulus: int) -> Table:
    tables = []
    for name, operation in (("first", first), ("second", second)):
        try:
            tables.append(ModularArithmetic(operation=operation, modulus=modulus, sequence="x op y =").table())
        except ValueError as error:
            raise ValueError(str(error).replace("task.operation", f"task.{name}")) from None
    inputs = np.concatenate([table.inputs for table in tables])
    inputs[:, 3] = modulus + 2
    inputs[len(tables[0].inputs) :, 1] = modulus + 1
    mirror = np.concatenate([tables[0].mirror, len(tables[0].inputs) + tables[1].mirror]).astype(np.int32)
    targets = np.concatenate([table.targets for table in tables])
    for array in (inputs, targets, mirror):
        array.flags.writeable = False
    return Table(
        inputs=inputs,
        targets=targets,
        num_classes=modulus,
        vocabulary=modulus + 3,
        operands=_COLUMNS,
        mirror=mirror,
    )
