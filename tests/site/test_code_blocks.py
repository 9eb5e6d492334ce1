"""Every block of code in every page: Python runs and prints what is shown, commands exist, what they print is shown."""

import doctest
import importlib
import importlib.util
import itertools
import re
import shlex
import tomllib

import pytest

from smfg_verify import check, games
from smfg_verify.cli import main
from smfg_verify.cli.app import app as program
from smfg_verify.sweep.cells import make_plan
from smfg_verify.sweep.settings import settings_of
from tests.support.locks import ROOT
from tests.support.pages import PAGES, Fence, fences, page_name

PYTHON, SHELL = {"python", "py"}, {"sh"}
# Shown, and carried out elsewhere: a fragment for LaTeX, which tests/report/formats compiles, and files of sweeps.
SHOWN = {"text", "latex", "toml"}
RUN = PYTHON | SHELL
BLOCKS = {page: fences(page.read_text()) for page in PAGES}
# Each of these takes seconds to compile; the other properties and pages stand for them by default.
SLOW = {
    f"docs/properties/{name}.md"
    for name in (
        *("contraction", "ergodicity", "gradient-alignment", "gradient-domination", "one-sided-contraction"),
        *("smoothness", "uniqueness"),
    )
} | {"docs/leader-parameters.md", "docs/large-games.md", "docs/symbolic.md", "docs/your-own-game.md"}
WITH_PYTHON = [
    pytest.param(page, id=page_name(page), marks=[pytest.mark.slow] if page_name(page) in SLOW else [])
    for page, blocks in BLOCKS.items()
    if any(block.language in PYTHON for block in blocks)
]
LINES = [
    pytest.param(line, id=f"{page_name(page)}: {line}")
    for page, blocks in BLOCKS.items()
    for block in blocks
    if block.language in SHELL
    for line in block.text.splitlines()
    if line.strip()
]
# Packages that no lock holds; a block that needs one is skipped without it.
OPTIONAL = {"mfglib", "dask_jobqueue", "dask_kubernetes"}


def shown_after(blocks: list[Fence], position: int) -> str | None:
    """The text that a page shows as the output of a block: the next one, if it is in no language."""
    after = blocks[position + 1] if position + 1 < len(blocks) else None
    return after.text if after is not None and after.language == "text" else None


@pytest.mark.parametrize("page", WITH_PYTHON)
def test_the_python_of_a_page_prints_what_the_page_shows(page, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    names, missing = {}, []
    for position, block in enumerate(BLOCKS[page]):
        if block.language in PYTHON:
            try:
                exec(compile("\n" * block.line + block.text, str(page), "exec"), names)
            except ImportError as error:
                missing += [need for need in OPTIONAL if need in str(error)]
                if not missing:
                    raise
                continue
            printed, shown = capsys.readouterr().out, shown_after(BLOCKS[page], position)
            assert printed == (shown or ""), f"line {block.line}"
    if missing:
        pytest.skip(f"all other blocks ran; one needs {missing[0]}")


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_a_page_is_one(line):
    assert complaint(line) is None


def complaint(line: str) -> str | None:
    """What is wrong with a line for a shell, without carrying it out."""
    first, *rest = shlex.split(line, comments=True)
    if first == "smfg-verify":
        return _complaint_of_parser(rest)
    if first == "make":
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)
        return next((f"no target {word}" for word in rest if word not in targets), None)
    if first == "python" and rest[:3] == ["-m", "pip", "install"]:
        extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
        named = re.findall(r"smfg-verify\[([\w,-]+)\]", line)
        unknown = {extra for group in named for extra in group.split(",")} - extras.keys()
        return f"no extra {unknown}" if unknown else None
    if first == "python" and rest[:1] == ["-m"]:
        return None if importlib.util.find_spec(rest[1]) else f"no module {rest[1]}"
    if first == "dask" and rest[:1] in (["scheduler"], ["worker"]):
        return _complaint_of_dask(*rest)
    return f"nobody knows {first}"


def _complaint_of_dask(name: str, *options: str) -> str | None:
    parser = importlib.import_module(f"distributed.cli.dask_{name}").main
    try:
        parser.make_context(name, list(options))
    except Exception as error:
        return str(error)
    return None


def _complaint_of_parser(words: list[str]) -> str | None:
    try:
        program.parse_args(words, exit_on_error=False, print_error=False)
    except Exception as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    "line",
    [
        "smfg-verify chek laffer-tax",
        "smfg-verify check laffer-tax --budgt quick",
        "smfg-verify check",
        "make no-such-target",
        "python -m pip install 'smfg-verify[no-such-extra]'",
        "python -m experiments.no_such_experiment",
        "smfg_verify games",
        "dask worker --nthread 1",
    ],
)
def test_a_line_that_is_no_command_is_seen(line):
    assert complaint(line) is not None


def test_every_toml_is_the_file_of_a_sweep():
    texts = [block.text for blocks in BLOCKS.values() for block in blocks if block.language == "toml"]
    assert texts
    for text in texts:
        make_plan(settings_of(tomllib.loads(text), ROOT))


def test_every_block_is_of_a_kind_that_is_tested():
    languages = {(page_name(page), block.language) for page, blocks in BLOCKS.items() for block in blocks}
    assert {(page, one) for page, one in languages if one not in RUN | SHOWN} == set()


def test_every_text_is_the_output_of_what_stands_before_it():
    for page, blocks in BLOCKS.items():
        pairs = itertools.pairwise([Fence("", "", 0), *blocks])
        alone = [after.line for before, after in pairs if after.language == "text" and before.language not in RUN]
        assert alone == [], page_name(page)


OUTPUTS = [
    pytest.param(block.text.splitlines()[-1], shown, id=f"{page_name(page)}: {block.text.splitlines()[-1]}")
    for page, blocks in BLOCKS.items()
    for position, block in enumerate(blocks)
    if block.language in SHELL and (shown := shown_after(blocks, position)) is not None
]


def differs(shown: str, printed: str) -> str | None:
    """How what was printed differs from what a page shows; a line of three dots there stands for any lines."""
    got = "\n".join(line.rstrip() for line in printed.splitlines()) + "\n"
    want = re.sub(r"^\.\.\.$", "<<any>>", shown, flags=re.MULTILINE).replace("...", "<dots>")
    want, got = want.replace("<<any>>", "..."), got.replace("...", "<dots>")
    checker = doctest.OutputChecker()
    return None if checker.check_output(want, got, doctest.ELLIPSIS) else f"shown:\n{want}\nprinted:\n{got}"


@pytest.mark.slow
@pytest.mark.parametrize(("line", "shown"), OUTPUTS)
def test_a_command_prints_what_the_page_shows(line, shown, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    assert main(shlex.split(line)[1:]) == 0
    assert differs(f"...\n{shown}", f"\n{capsys.readouterr().out}") is None


# Those that take no time.
QUICK = ("ergodicity", "lipschitz", "coverage")


def rows_of(screen: str) -> dict[str, str]:
    """The rows of a one-screen check by their property, with the sentences below each; a blank for any space."""
    parts = re.split(r"^(?=[a-z-]+ {2,}\S)", screen, flags=re.MULTILINE)
    rows = [" ".join(re.split(r"^(?:\.\.\.$|Class:|Refuted:)", part, flags=re.MULTILINE)[0].split()) for part in parts]
    return {row.split()[0]: row for row in rows if row}


@pytest.mark.parametrize(("line", "shown"), [one for one in OUTPUTS if " check " in one.values[0]])
def test_rows_of_a_check_that_take_no_time_are_as_the_page_shows_them(line, shown):
    game, budget = re.fullmatch(r"smfg-verify check ([\w-]+) --budget (\w+)", line).groups()
    computed = rows_of(check(games.load(game), QUICK, budget=budget).summary())
    assert {name: computed[name] for name in QUICK} == {name: rows_of(shown)[name] for name in QUICK}


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("a\n...\nd\n", "a\nb\nc\n", False),
        ("a [...] b\n", "a x b\n", False),
        ("a\n", "a   \n", True),
        ("a 1\n", "a 2\n", False),
    ],
)
def test_what_differs_is_seen(shown, printed, same):
    assert (differs(shown, printed) is None) == same
