"""An environment for each peer, made once: its packages never meet those of this project."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".bench"
# Pinned, so that a ratio means the same next year.
REQUIREMENTS = {
    "bench-mfg": ("bench-mfg-suite==0.1.3", "jax==0.10.2", "jaxlib==0.10.2"),
    "numba": ("numba==0.68.1", "numpy==2.4.6"),
}


class MissingPeerError(Exception):
    """A peer whose environment could not be made: no network, or no wheel for this machine."""


def interpreter(peer: str) -> Path:
    """The Python of a peer's environment, which is made and filled where there is none yet.

    Raises:
        MissingPeerError: it could not be made.
    """
    folder = FOLDER / peer
    python, done = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join(REQUIREMENTS[peer])
    if not (done.is_file() and done.read_text() == wanted):
        print(f"installing {', '.join(REQUIREMENTS[peer])} in {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, capture_output=True)
            command = [python, "-m", "pip", "install", "--quiet", *REQUIREMENTS[peer]]
            subprocess.run(command, check=True, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            raise MissingPeerError(f"{peer}: {str(error.stderr).strip().splitlines()[-1]}") from error
        done.write_text(wanted)
    return python


def run_peer(peer: str, module: str, *arguments: object) -> dict:
    """Carry out a module of this folder in a peer's environment; the last line that it prints is its JSON result.

    Raises:
        MissingPeerError: the environment could not be made, or the module failed.
    """
    command = [interpreter(peer), "-m", f"benchmarks.{module}", *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise MissingPeerError(f"{peer}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else 'failed'}")
    return json.loads(done.stdout.strip().splitlines()[-1])
