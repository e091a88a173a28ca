"""`grokjax` as typed, then a line of JSON: how often the persistent cache had a program, and how often not."""

import json
import sys
from collections import Counter

import jax

from grokjax.cli import main

HITS, MISSES = "/jax/compilation_cache/cache_hits", "/jax/compilation_cache/cache_misses"

if __name__ == "__main__":
    events: Counter[str] = Counter()
    jax.monitoring.register_event_listener(lambda event, **_: events.update([event]))
    status = main(sys.argv[1:])
    sys.stdout.write(json.dumps({"hits": events[HITS], "misses": events[MISSES]}))
    sys.exit(status)
