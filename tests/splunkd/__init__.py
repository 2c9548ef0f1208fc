"""A small, strict stand-in for splunkd: runs one chunked search command as splunkd would.

It shares no code with the command it drives, follows the published rules, and refuses what splunkd
would refuse (and a little more). Start with `search.run_search`, or `run.py` from a shell.
"""

from .app import CommandSpec, InstallError, find_command, install_app
from .result import Message, SearchResult
from .search import SearchOptions, run_search

__all__ = [
    "CommandSpec",
    "InstallError",
    "Message",
    "SearchOptions",
    "SearchResult",
    "find_command",
    "install_app",
    "run_search",
]
