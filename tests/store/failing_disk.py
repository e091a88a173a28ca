"""`grokjax WORDS` on a disk that refuses every change below a folder from some call on.

Run as `python -m tests.store.failing_disk ERRNO NUMBER FOLDER WORDS...` with crash_points.c preloaded.
"""

import ctypes
import sys

from grokjax.cli import end_process
from tests.store.crash_points import FAIL_ON, SHIM

if __name__ == "__main__":
    code, number, folder, *words = sys.argv[1:]
    SHIM.crash_arm(f"{folder}/".encode(), ctypes.c_long(int(number)), FAIL_ON, int(code))
    sys.argv[1:] = words
    end_process()
