"""`python -m vglint`."""

import os
import sys

if sys.path and sys.path[0] == os.getcwd():
    # `python -m` looks in the current folder first, where the code under lint may lie as `string.py`: it must not be imported.
    here = sys.path.pop(0)
    if os.path.dirname(os.path.dirname(os.path.abspath(__file__))) == here:
        sys.path.append(here)

from vglint.cli import main

if __name__ == "__main__":
    main()
