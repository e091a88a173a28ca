"""`page`: sweeps and a form on a page of this machine."""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

from grokjax.cli.main import UsageError

NEEDED = "page: needs starlette and uvicorn: pip install 'grokjax[page]'."


def page(options: argparse.Namespace) -> int:
    """Serve the page until it is interrupted."""
    environment = dict(os.environ)
    # It reads, and must not take an accelerator from a sweep that trains here.
    os.environ["JAX_PLATFORMS"] = "cpu"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        from grokjax.page.server import DEFAULT_PORT, PortInUseError, new_token, open_port, serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn"):
            raise
        raise UsageError(NEEDED) from error
    try:
        opened = open_port(options.port)
    except PortInUseError as error:
        raise UsageError(str(error)) from error
    port, token = opened.getsockname()[1], new_token()
    address = f"http://127.0.0.1:{port}/#{token}"
    if options.port is None and port != DEFAULT_PORT:
        sys.stderr.write(f"grokjax: port {DEFAULT_PORT} is taken, so this is port {port}\n")
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()
    sys.stderr.write(
        "grokjax: only this machine reaches it, only with this address; Ctrl-C ends it. From another machine:\n"
        f"grokjax: ssh -L {port}:127.0.0.1:{port} THIS_MACHINE, then the same address there\n"
    )
    if options.allow_start:
        sys.stderr.write("grokjax: --allow-start: whoever has this address can start sweeps on this machine\n")
    if not options.no_open and has_browser():
        webbrowser.open(address)
    try:
        folders = [Path(folder) for folder in options.folders]
        serve(folders, opened, token, environment if options.allow_start else None)
    except KeyboardInterrupt:  # how a page is ended
        sys.stderr.write("\n")
    return 0


def has_browser() -> bool:
    """Whether a window can be opened where this was typed: not on the far end of ssh."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    return sys.platform in ("darwin", "win32") or any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


COMMANDS = {"page": page}
