"""The child that searches for patterns: a JSON line in, `true` or `false` out, until it is closed.

Run by its path, so that it imports the standard library alone. A search that takes too long is
ended by the kernel's alarm, which needs nobody who watches: a parent that was killed leaves no
search behind. Everything else is `searching`'s.
"""

from __future__ import annotations

import json
import re
import signal
import sys


def main(seconds_max: int) -> None:
    """Answer each line of the standard input; a search of `seconds_max` ends the process."""
    for line in sys.stdin:
        pattern, text = json.loads(line)
        signal.alarm(seconds_max)
        found = re.search(pattern, text) is not None
        signal.alarm(0)
        print(json.dumps(found), flush=True)  # noqa: T201 - the pipe is how it answers


if __name__ == "__main__":
    main(int(sys.argv[1]))
