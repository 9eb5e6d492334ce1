"""What a public project shows beside its code: version, citation, changelog, workflows, templates, hooks."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.version import Version

import smfg_verify
from tests.support.locks import ROOT
from tests.test_locks import PYTHONS

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
ARXIV = "https://arxiv.org/abs/2509.15392"
GITHUB = ROOT / ".github"


def yaml_of(path):
    return yaml.safe_load(path.read_text())


def tracked_files():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a checkout of the repository")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


class TestVersion:
    def test_it_is_cheap_to_read_and_a_version(self):
        code = "import sys, smfg_verify; print(smfg_verify.__version__, *{'jax', 'numpy'} & sys.modules.keys())"
        printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
        assert printed.stdout.split() == [smfg_verify.__version__]
        assert str(Version(smfg_verify.__version__)) == smfg_verify.__version__

    def test_it_is_assigned_in_one_place(self):
        assignment = re.compile(r"^(?:__)?version(?:__)?\s*[:=]\s*[\"']?\d", flags=re.MULTILINE)
        places = [path for path in tracked_files() if path.suffix in {".py", ".toml", ".cff", ".cfg"}]
        found = [path.relative_to(ROOT).as_posix() for path in places if assignment.search(path.read_text())]
        assert found == ["smfg_verify/version.py"]
        assert PYPROJECT["tool"]["hatch"]["version"]["path"] == found[0]
        assert PYPROJECT["project"]["dynamic"] == ["version"]

    def test_records_and_traces_name_it(self):
        from smfg_verify.records.versions import versions

        assert versions()["smfg-verify"] == smfg_verify.__version__


class TestCitation:
    CITATION = yaml_of(ROOT / "CITATION.cff")

    def test_it_has_what_the_format_asks_for(self):
        assert {"cff-version", "message", "title", "authors"} <= self.CITATION.keys()
        assert self.CITATION["cff-version"] == "1.2.0"
        assert self.CITATION["type"] == "software"

    def test_it_says_what_the_package_says(self):
        project = PYPROJECT["project"]
        assert self.CITATION["license"] == project["license"]
        assert [one["name"] for one in self.CITATION["authors"]] == [one["name"] for one in project["authors"]]
        assert project["description"].rstrip(".").lower() in self.CITATION["title"].lower()

    def test_the_paper_is_the_reference(self):
        (paper,) = self.CITATION["references"]
        assert {"type", "title", "authors"} <= paper.keys()
        assert paper["url"] == ARXIV == PYPROJECT["project"]["urls"]["Paper"]
        assert ARXIV in (ROOT / "README.md").read_text()
        assert paper["authors"][0]["family-names"] == "Zeng"
        assert all(one.keys() == {"family-names", "given-names"} for one in paper["authors"])


class TestChangelog:
    LINES = (ROOT / "CHANGELOG.md").read_text().splitlines()
    KINDS = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")

    def test_releases_are_dated_and_below_what_is_unreleased(self):
        releases = [line for line in self.LINES if line.startswith("## ")]
        assert releases[0] == "## [Unreleased]"
        assert all(re.fullmatch(r"## \[\d+\.\d+\.\d+\] - \d{4}-\d\d-\d\d", line) for line in releases[1:])

    def test_kinds_are_the_known_ones_once_a_release_and_none_is_empty(self):
        for release in "\n".join(self.LINES).split("\n## ")[1:]:
            kinds = re.findall(r"^### (.*)$", release, flags=re.MULTILINE)
            assert set(kinds) <= set(self.KINDS)
            assert kinds == sorted(set(kinds), key=self.KINDS.index)
            assert all(body.lstrip().startswith("- ") for body in re.split(r"^### .*$", release, flags=re.M)[1:])

    def test_every_statement_stands_under_a_kind(self):
        first_kind = next(number for number, line in enumerate(self.LINES) if line.startswith("### "))
        assert not any(line.startswith("- ") for line in self.LINES[:first_kind])


class TestWorkflows:
    CHECKS = yaml_of(GITHUB / "workflows" / "checks.yml")

    def test_every_workflow_has_events_and_jobs_with_steps(self):
        for path in (GITHUB / "workflows").iterdir():
            workflow = yaml_of(path)
            assert workflow[True], f"{path.name}: `on`, which YAML 1.1 reads as true"
            for job in workflow["jobs"].values():
                assert job["timeout-minutes"] > 0
                assert all(("uses" in step) != ("run" in step) for step in job["steps"])

    def test_checks_run_what_a_change_must_pass_on_every_python_version(self):
        job = self.CHECKS["jobs"]["checks"]
        assert job["strategy"]["matrix"]["python-version"] == PYTHONS
        assert ".ci/run" in [step.get("run") for step in job["steps"]]
        assert (ROOT / ".ci" / "run").stat().st_mode & 0o111

    @pytest.mark.parametrize("file", [".ci/run", "CONTRIBUTING.md", "README.md", ".github/workflows/checks.yml"])
    def test_make_targets_that_are_named_exist(self, file):
        text = (ROOT / file).read_text()
        commands = re.findall(r"`make ([\w ]+)`", text) + re.findall(r"^ *(?:- run: )?make ([a-z ]+)", text, flags=re.M)
        named = {target for command in commands for target in command.split()}
        rules = {
            line.split(":")[0] for line in (ROOT / "Makefile").read_text().splitlines() if re.match(r"[a-z]+:", line)
        }
        assert named
        assert named <= rules

    def test_no_script_of_a_workflow_takes_text_of_others_into_a_shell(self):
        untrusted = re.compile(r"\$\{\{\s*github\.(event|head_ref)")
        scripts = [step.get("run", "") for job in self.CHECKS["jobs"].values() for step in job["steps"]]
        assert not any(untrusted.search(script) for script in scripts)
        assert self.CHECKS["permissions"] == {"contents": "read"}


class TestTemplates:
    FORMS = sorted(path for path in (GITHUB / "ISSUE_TEMPLATE").iterdir() if path.name != "config.yml")

    @pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
    def test_a_form_is_well_formed(self, path):
        form = yaml_of(path)
        assert form["name"]
        assert form["description"]
        fields = [field for field in form["body"] if field["type"] != "markdown"]
        assert len({field["id"] for field in fields}) == len(fields) > 0
        assert all(field["attributes"]["label"] for field in fields)
        assert any(field["validations"]["required"] for field in fields)

    def test_a_wrong_verdict_asks_for_all_that_settles_it(self):
        form = yaml_of(GITHUB / "ISSUE_TEMPLATE" / "wrong_verdict.yml")
        required = {field["id"] for field in form["body"] if field.get("validations", {}).get("required")}
        assert required == {"game", "command", "finding", "truth", "evidence", "version"}


class TestHooks:
    REPOSITORIES = tuple(yaml_of(ROOT / ".pre-commit-config.yaml")["repos"])
    HOOKS = tuple(hook for repository in REPOSITORIES for hook in repository["hooks"])

    def test_nothing_is_fetched(self):
        assert [repository["repo"] for repository in self.REPOSITORIES] == ["local"]
        assert {hook["language"] for hook in self.HOOKS} == {"system"}

    def test_hooks_run_the_checks_of_continuous_integration(self):
        entries = [" ".join(hook["entry"].removeprefix(".venv/bin/").split()[:2]) for hook in self.HOOKS]
        assert entries == ["ruff check", "ruff format", "mypy", "lint-imports"]
        assert all(hook["entry"].startswith(".venv/bin/") for hook in self.HOOKS)
