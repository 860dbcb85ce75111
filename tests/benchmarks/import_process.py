"""Reading a file and nothing else, in a process that holds nothing else: seconds of each of several runs."""

import json
import sys
from datetime import date

from benchmarks.measuring import timed
from onboarding.imports.files import read_file
from onboarding.imports.terms import Terms


def main() -> None:
    today, rows, runs = date.fromisoformat(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    content = sys.stdin.buffer.read()

    def read() -> None:
        assert read_file(content, Terms(today), max_rows=rows).rows == rows

    read()
    print(json.dumps(timed(read, runs)))


if __name__ == "__main__":
    main()
