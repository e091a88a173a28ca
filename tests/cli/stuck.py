"""`grokjax WORDS` whose device hangs in its third segment, under a watchdog that waits two seconds."""

import time

from grokjax.cli import end_process, watchdog
from grokjax.train.worker import LocalWorker

watchdog.LEAST_SECONDS = 2.0
SEGMENT = LocalWorker._segment
calls = []


def hanging(worker, *arguments):
    calls.append(1)
    if len(calls) > 2:
        time.sleep(600)
    return SEGMENT(worker, *arguments)


if __name__ == "__main__":
    LocalWorker._segment = hanging
    end_process()
