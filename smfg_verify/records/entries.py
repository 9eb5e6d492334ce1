"""The values and mappings of values that have no common type, named once with the reason."""

from collections.abc import Mapping
from typing import Any

# A value of a JSON document. Its type is the document's matter: json.loads says nothing, and who reads an entry knows
# it by the entry's name.
Json = Any
# A JSON object that is being written or was read.
Record = dict[str, Json]
# Named values that are only read: facts, witness, counts and details of a finding, parameters of a game, options of a
# method. Each name has its own type (a number, a text, an array, a mapping of these), which no mapping type can say.
Entries = Mapping[str, Any]
# A number, or what stands for one in plain arithmetic: a symbol of a computer algebra. What is computed from it is of
# its kind, which no type says without importing that library.
Algebraic = Any
# Arguments by keyword on their way to a function, each of the type of its parameter.
Arguments = dict[str, Any]
