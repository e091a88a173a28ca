"""`python -m grokjax`."""

from grokjax.cli import end_process

end_process()
