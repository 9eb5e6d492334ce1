"""The command line, `smfg-verify`: parse, call, exit code. Importing it loads neither JAX nor a solver."""

import contextlib
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see `smfg_verify.cli.app.main`. Ctrl-C is answered while the parser is being loaded too."""
    try:
        from smfg_verify.watching import watched

        # A process of its own says what it does; who calls from Python has words of their own.
        with watched("loading what the command needs") if arguments is None else contextlib.nullcontext():
            from smfg_verify.cli import app

            return app.main(arguments)
    except KeyboardInterrupt:
        print("smfg-verify: interrupted; nothing was saved", file=sys.stderr)
        return 130
