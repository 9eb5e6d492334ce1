"""The command line, `smfg-verify`: parse, call, exit code. Importing it loads neither JAX nor a solver."""

from smfg_verify.cli.app import main as main
