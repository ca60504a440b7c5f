"""`python -m vglint`."""

from vglint.cli import main

if __name__ == "__main__":
    main()
