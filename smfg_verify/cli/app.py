"""The parser of `smfg-verify`: its commands in the order of --help, each with an example, and how each of them ends."""

import shlex
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from smfg_verify.cli.commands import certificate, document, look, study, sweep, verify
from smfg_verify.cli.computing import leave
from smfg_verify.cli.endings import BAD_INPUT, EXIT_CODES, FINISHED, PROGRAM, ending_of, say
from smfg_verify.cli.saving import InterruptedJob, say_interrupted
from smfg_verify.errors import InputError
from smfg_verify.version import __version__

_EXAMPLES: dict[Callable[..., int], tuple[str, ...]] = {
    look.games: ("games",),
    look.show: ("show shop-positioning", "show two-road-toll --set temperature=0.4 --set kappa=1,3"),
    look.new: ("new my_beach.py", "new my_ferry.py --from formula"),
    look.derive: (
        "derive laffer-tax",
        "derive two-road-toll --set inertia=0.1 --format latex",
        "derive random-game --about constants",
        "derive laffer-tax --about rates --exponent leader=3/5 --exponent mean_field=1/2",
    ),
    verify.check: (
        "check laffer-tax --property ergodicity --budget quick",
        "check my_games.py:MyGame --strict",
        "check two-road-toll --certificates certificates",
    ),
    verify.atlas: ("atlas --out results/atlas", "atlas laffer-tax market-entrance --budget quick"),
    verify.run: ("run market-entrance --iterations 100000 --out results/run",),
    verify.validate: (
        "validate market-entrance --set kappa=[1,3] --out results/validate",
        "validate my_games.py:MyGame --config settings.toml --strict",
    ),
    certificate.verify: (
        "verify certificates/ergodicity.dobrushin.json",
        "verify certificates/uniqueness.one-sided.json --game two-road-toll",
    ),
    verify.cases: ("cases --quick", "cases policy-lipschitz --full --out results/cases"),
    document.report: (
        "report results/market-entrance",
        "report results/market-entrance --format latex --out paper/market-entrance.tex",
    ),
    study.plan: ("plan market-entrance", "plan market-entrance --pilot-seeds 16 --seeds 32 --seeds 64"),
    study.drift: ("drift laffer-tax --out results/drift",),
    study.bound: (
        "bound independent-leader --set discount=0 --seeds 4 --iterations 2000",
        "bound market-entrance --budget quick",
    ),
    study.theorems: (
        "theorems laffer-tax --budget quick --exponent mean_field=2/3",
        "theorems laffer-tax --report results/atlas/laffer-tax.json",
    ),
    study.lab: ("lab market-entrance --seeds 8 --out results/lab --width one",),
    sweep.sweep: (
        "sweep discounts.toml --value solve_objective --x discount --y temperature",
        "sweep discounts.toml --workers 4",
        "sweep discounts.toml --scheduler tcp://head-node:8786",
    ),
    study.compare: ("compare market-entrance --method ac-smfg --method adage",),
}
_PARSING = Parameter(
    # No --no-x, no --empty-x, and a value that looks like JSON is text.
    negative=(),
    json_dict=False,
    json_list=False,
    # The last of several wins, and lists go on.
    allow_repeating=True,
)


app = App(
    name=PROGRAM,
    help="Verify the theory of learning in Stackelberg mean field games on concrete games.",
    help_epilogue=EXIT_CODES,
    # Brackets in a help text are brackets, no markup.
    help_format="plaintext",
    version=__version__,
    default_parameter=_PARSING,
    # Errors and Ctrl-C come to `main`, and a command's exit code too.
    exit_on_error=False,
    print_error=False,
    verbose=False,
    result_action="return_value",
    suppress_keyboard_interrupt=False,
)


def _examples_of(command: Callable[..., int]) -> str:
    return "\n".join(("Examples:", *(f"  {PROGRAM} {words}" for words in _EXAMPLES[command])))


def install_completion(
    *, shell: Annotated[Literal["bash", "zsh", "fish"] | None, Parameter(help="The shell [the one in use].")] = None
) -> int:
    """Complete commands and options in your shell from now on."""
    from cyclopts.completion.detect import ShellDetectionError

    try:
        path = app.install_completion(shell=shell)
    except ShellDetectionError as error:
        raise InputError("--install-completion: the shell in use is unknown; name it, as in --shell bash.") from error
    return say(f"completion is in {path}; it works in a new shell", FINISHED)


for _position, _command in enumerate(_EXAMPLES):
    app.command(_command, sort_key=_position, help_epilogue=_examples_of(_command))
app.command(install_completion, name="--install-completion", group="Options", help_epilogue="")
for _name, _help in (("--help", "Show this message and exit."), ("--version", "Show the version and exit.")):
    app[_name].group, app[_name].help = "Options", _help


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: of the command line, without the program's name; those of this process if None.

    Returns:
        The exit code, see `EXIT_CODES`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(given or ["--help"])
    except UnusedCliTokensError as error:
        return say(f"Got unexpected extra arguments: {shlex.join(error.unused_tokens or ())}.", BAD_INPUT)
    except CycloptsError as error:
        return say(str(error), BAD_INPUT)
    except InterruptedJob as interruption:
        return say_interrupted(interruption.saved, given)
    except KeyboardInterrupt:
        return say_interrupted(None, given)
    except Exception as error:
        return ending_of(error, given)
    finally:
        leave()
    return FINISHED if code is None else int(code)
