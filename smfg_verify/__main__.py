"""`python -m smfg_verify` is the command line."""

import sys

from smfg_verify.cli import main

if __name__ == "__main__":
    sys.exit(main())
