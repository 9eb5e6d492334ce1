"""How pytest-xdist deals out the tests: all of a folder to one process."""

from xdist.scheduler import LoadScopeScheduling


class ByFolder(LoadScopeScheduling):
    """Tests of a folder share programs and what fixtures compute: in two processes each would compile them.

    Files that stand in no folder are by themselves: they come last, and even out what the processes have to do.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        folder = file.rpartition("/")[0]
        return file if folder in ("", "tests") else folder
