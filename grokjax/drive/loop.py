"""The loop of a cohort, to be read first: take runs, train a segment, hand over what ended, refill."""

from collections.abc import Callable

from grokjax.drive.keeper import Keeper
from grokjax.train.trainer import Trainer


def train_cohort(trainer: Trainer, keeper: Keeper, reason_to_stop: Callable[[], str]) -> str:
    """Train until no run waits and no lane is busy, or until there is a reason to stop.

    Pools never wait for one another: each is refilled as soon as its own segment has ended, and trains on while what it
    handed over is stored.

    Args:
      trainer: the lanes, and the runs that wait for one.
      keeper: stores what ended, and the batched state from time to time.
      reason_to_stop: asked after each segment; empty text to go on.

    Returns:
      Why it stopped, every pool having ended its segment; empty when all runs ended.
    """
    reason = ""
    for pool in range(len(trainer.workers)):
        trainer.refill(pool)
    for pool in trainer.rested():
        segment = trainer.hand_over(pool)
        keeper.copy_when_due(trainer, pool)
        if not reason:
            trainer.refill(pool)
        keeper.keep(segment, trainer.running_steps())
        keeper.save_when_copied(trainer)
        reason = reason or reason_to_stop()
    reason = reason or (reason_to_stop() if trainer.is_wanted() else "")  # where nothing was left to train the runs
    keeper.end(trainer, is_complete=not reason)
    return reason
