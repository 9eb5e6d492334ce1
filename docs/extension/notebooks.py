"""Notebooks as pages: cells as they are, and the outputs that are kept in them; nothing is run in a build."""

import base64
import json
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1]
FOLDER = DOCS / "notebooks"
# What a cell shows as a picture, the best first, and the ending of its file.
_PICTURES = {"image/svg+xml": "svg", "image/png": "png"}


def pages() -> dict[str, str | bytes]:
    """The pages, and the pictures in them, by file name."""
    found: dict[str, str | bytes] = {}
    for path in sorted(FOLDER.glob("*.ipynb")):
        found |= page(path.stem, json.loads(path.read_text()))
    return found


def page(name: str, notebook: dict) -> dict[str, str | bytes]:
    """One notebook as a page, and the files of its pictures."""
    files: dict[str, str | bytes] = {}
    parts = []
    for number, cell in enumerate(notebook["cells"]):
        text = _joined(cell["source"])
        if cell["cell_type"] == "markdown":
            # Pages beside the folder of notebooks are elsewhere from here.
            parts.append(text.replace("](../", "](/"))
        elif cell["cell_type"] == "code":
            parts.append(_fenced("python", text))
            for place, output in enumerate(cell["outputs"]):
                parts.append(_shown(output, f"{name}-{number}-{place}", files))
    return {f"notebooks/{name}.md": "\n\n".join(part for part in parts if part) + "\n", **files}


def _shown(output: dict, name: str, files: dict[str, str | bytes]) -> str:
    """An output in Markdown; a picture becomes a file."""
    if output["output_type"] == "stream":
        return _fenced("text", _joined(output["text"])) if output["name"] == "stdout" else ""
    if output["output_type"] == "error":
        raise ValueError(f"{name}: a cell of the notebook ended with {output['ename']}; run it again and keep that.")
    data = {kind: _joined(value) for kind, value in output["data"].items()}
    for kind, ending in _PICTURES.items():
        if kind in data:
            files[f"notebooks/{name}.{ending}"] = base64.b64decode(data[kind]) if ending == "png" else data[kind]
            return f"![{data.get('text/plain', 'figure').strip('<>')}]({name}.{ending})"
    if "text/html" in data:
        return f"```{{raw}} html\n{data['text/html']}\n```"
    return _fenced("text", data.get("text/plain", ""))


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text.rstrip()}\n```" if text.strip() else ""


def _joined(text: str | list[str]) -> str:
    """Notebooks keep a text as itself or as its lines."""
    return text if isinstance(text, str) else "".join(text)
