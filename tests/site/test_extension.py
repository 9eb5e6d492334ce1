"""The parts of the site's extension: docstrings, names, formulas, titles."""

import pytest

from docs.extension.docstrings import converted
from docs.extension.formulas import known, mathml
from docs.extension.markdown import described
from docs.extension.names import named
from docs.extension.notebooks import page
from docs.extension.titles import title, within_the_site, without_empty_patterns
from experiments.api_page import public_names
from smfg_verify import Equilibrium, games


def text(*lines):
    return "\n".join(converted(list(lines)))


class TestDocstrings:
    def test_code_and_formulas_are_marked(self):
        assert text("See `validate`, $x^*$.") == "See ``validate``, :math:`x^*`."

    def test_a_formula_may_go_on_in_the_next_line(self):
        assert text("So $a +", "b$.") == "So :math:`a + b`."

    def test_a_displayed_formula_is_a_block_in_its_own_margin(self):
        assert ".. math::\n\n       a = b\n" in text("    $$ a = b $$")

    @pytest.mark.parametrize(("given", "shown"), [("*args", "\\*args"), ("a | b", "a \\| b"), ("r_f", "r\\_f")])
    def test_no_other_sign_is_markup(self, given, shown):
        assert text(given) == shown

    def test_an_example_stays_as_it_is(self):
        lines = [">>> 2 * `x` | $y$", "*_|", "", "and `x`"]
        assert text(*lines) == "\n".join([*lines[:3], "and ``x``"])

    def test_what_is_returned_is_no_type(self):
        assert text("Returns:", "    Rate: of one.", "") == ":returns: Rate: of one.\n\n"

    def test_names_over_several_lines_are_one_entry(self):
        assert text("Args:", "    a, b,", "    c: as there.") == "Args:\n    a, b, c: as there."


class TestNames:
    @pytest.mark.parametrize(
        ("word", "target"),
        [
            ("solve_equilibrium", "smfg_verify.solve_equilibrium"),
            ("sv.check", "smfg_verify.check"),
            ("smfg_verify.exact.Certificate", "smfg_verify.exact.Certificate"),
            ("exact.Equilibrium", "smfg_verify.Equilibrium"),
            ("Equilibrium.residual", "smfg_verify.Equilibrium"),
            ("games.load", "smfg_verify.games.load"),
            ("symbolic.load", "smfg_verify.symbolic.load"),
            ("sv.plot.convergence", "smfg_verify.plot.convergence"),
        ],
    )
    def test_a_name_has_one_entry(self, word, target):
        public = named(word)
        assert f"{public.module}.{public.name}" == target

    @pytest.mark.parametrize("word", ["check", "load", "mean_field", "state", "Equilibrium.nothing", "no_such_name"])
    def test_a_command_a_word_of_two_meanings_and_what_does_not_exist_have_none(self, word):
        assert named(word) is None

    def test_a_heading_tells_words_of_two_meanings_apart(self):
        assert named("load", "smfg_verify.games").module == "smfg_verify.games"
        assert named("load", "smfg_verify.symbolic").module == "smfg_verify.symbolic"

    def test_on_the_page_of_public_names_every_name_has_its_entry(self):
        for public in public_names():
            assert named(public.name, public.module).value is public.value

    def test_it_is_about_what_the_package_exports(self):
        assert named("Equilibrium").value is Equilibrium


@pytest.mark.parametrize(
    ("formula", "same"),
    [
        (r"\frac12 x", r"\frac{1}{2} x"),
        (r"\Big( a \Big/ b \bigl)", r"\Bigl( a \Bigl/ b \bigl)"),
        (r"a \mathrel{+}= b", r"a {+}= b"),
        (r"\frac{a}{b} \bigcup", r"\frac{a}{b} \bigcup"),
    ],
)
def test_tex_that_is_not_known_is_said_otherwise(formula, same):
    assert known(formula) == same


@pytest.mark.parametrize(
    ("formula", "stretched"),
    [(r"\|g\|^2", False), (r"\left\| \frac{a}{b} \right\|", True), (r"\Big\| a \Big\|", True), (r"\{v\}", False)],
)
def test_a_delimiter_is_stretched_where_tex_says_so(formula, stretched):
    assert ('stretchy="false"' not in mathml(formula, as_block=False)) == stretched


@pytest.mark.parametrize(("formula", "after"), [(r"\tau \log x", "0.17em"), (r"\log(x)", "0")])
def test_a_function_stands_apart(formula, after):
    assert f'lspace="0.17em" rspace="{after}">log</mo>' in mathml(formula, as_block=False)


def test_a_docstring_is_described_up_to_its_first_section():
    told = described(games.LafferTax)
    assert told.startswith("Workers leave")
    assert "Args:" not in told
    assert "\n\n$$ r_f = " in told


def test_a_table_without_a_heading_has_its_name():
    assert title("data/linear-quadratic") == "Linear quadratic"


@pytest.mark.parametrize(
    ("link", "there"),
    [
        ("[new](../CHANGELOG.md)", "[new](/changelog.md)"),
        ("[add](../../CONTRIBUTING.md#to-add-a-game)", "[add](/contributing.md)"),
        ("[first](../README.md)", "[first](/index.md)"),
        ("[same](../reports.md#the-witness)", "[same](../reports.md#the-witness)"),
        ("[all](https://example.org/README.md)", "[all](https://example.org/README.md)"),
    ],
)
def test_pages_above_the_folder_are_linked_where_the_site_has_them(link, there):
    assert within_the_site(link) == there


def test_a_pattern_that_no_page_matches_is_not_in_the_list(tmp_path):
    (tmp_path / "some").mkdir()
    (tmp_path / "some" / "page.md").touch()
    entries = ":glob:\n\nindex\nsome/*\nnone/*\n"
    assert without_empty_patterns(entries, tmp_path) == ":glob:\n\nindex\nsome/*\n"


def cell(kind, source, *outputs):
    return {"cell_type": kind, "source": source, "outputs": list(outputs)}


def result(**data):
    return {"output_type": "execute_result", "data": {name.replace("_", "/"): value for name, value in data.items()}}


class TestNotebooks:
    def test_cells_and_outputs_stand_in_order(self):
        printed = {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]}
        warned = {"output_type": "stream", "name": "stderr", "text": "a path of this machine"}
        cells = [cell("markdown", ["# Title\n", "words"]), cell("code", "f()", printed, warned, result(text_plain="3"))]
        told = "# Title\nwords\n\n```python\nf()\n```\n\n```text\none\ntwo\n```\n\n```text\n3\n```\n"
        assert page("some", {"cells": cells}) == {"notebooks/some.md": told}

    def test_links_to_pages_lead_there_from_where_the_site_has_the_notebook(self):
        files = page("some", {"cells": [cell("markdown", "[how](../reports.md), [paper](https://arxiv.org)")]})
        assert files["notebooks/some.md"] == "[how](/reports.md), [paper](https://arxiv.org)\n"

    def test_a_picture_is_a_file_beside_the_page(self):
        shown = result(image_png="iVBORw==", text_plain="<Figure>", text_html="<b>no</b>")
        files = page("some", {"cells": [cell("code", "plot()", shown)]})
        assert "![Figure](some-0-0.png)" in files["notebooks/some.md"]
        assert files["notebooks/some-0-0.png"] == b"\x89PNG"

    def test_a_table_is_shown_as_it_is(self):
        files = page("some", {"cells": [cell("code", "table", result(text_html="<table></table>", text_plain="x"))]})
        assert "```{raw} html\n<table></table>\n```" in files["notebooks/some.md"]

    def test_a_cell_that_failed_is_no_page(self):
        failed = {"output_type": "error", "ename": "KeyError", "evalue": "x", "traceback": []}
        with pytest.raises(ValueError, match="KeyError"):
            page("some", {"cells": [cell("code", "f()", failed)]})
