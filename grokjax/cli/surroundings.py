"""What of the environment would end the process inside JAX without a message of ours? Asked in a process of its own."""

import os
import re
import subprocess
import sys

from grokjax.cli.main import UsageError

_READ_FLAGS = "from jaxlib import xla_client; xla_client.CompileOptions()"
_SECONDS = 60


def warn_of_idle_gpu(device: str | None) -> None:
    """Say first of all that a GPU is here and not used; where nobody asked for the CPU the command is refused later."""
    from grokjax.train.devices import IDLE_GPU, has_idle_gpu, is_cpu_meant

    if is_cpu_meant() and has_idle_gpu(device):
        sys.stderr.write(f"grokjax: WARNING: {IDLE_GPU}\n")


def check_xla_flags() -> None:
    """Refuse flags that XLA does not know: it would abort this process.

    Raises:
      UsageError: names the flags.
    """
    if not os.environ.get("XLA_FLAGS"):
        return
    try:
        asked = subprocess.run([sys.executable, "-c", _READ_FLAGS], capture_output=True, text=True, timeout=_SECONDS)
    except (OSError, subprocess.SubprocessError):
        return  # nobody could be asked, and the answer is only a better message
    unknown = re.search(r"Unknown flags? in XLA_FLAGS: *(.*)", asked.stderr)
    if asked.returncode and unknown:
        raise UsageError(f"the environment variable XLA_FLAGS has an unknown flag ({unknown[1].strip()}); mend it.")
