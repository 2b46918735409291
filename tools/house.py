"""The rules of the house that the import contracts cannot express; prints what breaks them.

- an `__init__.py` holds a docstring at most
- packages that only compute do not open files, ask the clock or roll dice
- every opt-out from a check says why, on its line
- no module is in an import circle (TYPE_CHECKING imports count); the number is printed
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "zhicheng"

# the kernel holds the clock that is handed in, and is bound by the import contract alone
PURE = ("standards", "security", "analysis", "sensing", "apps/*/logic.py")
# what is handed to pure code as an argument instead
HANDED_IN = {
    "open": "bytes",
    "io.open": "bytes",
    "datetime.now": "an instant",
    "datetime.utcnow": "an instant",
    "datetime.datetime.now": "an instant",
    "date.today": "a date",
    "datetime.date.today": "a date",
    "time.time": "an instant",
    "time.time_ns": "an instant",
    "time.sleep": "nothing: pure code does not wait",
    "np.random.default_rng": "a generator",
    "np.load": "bytes",
    "np.fromfile": "bytes",
    "np.memmap": "bytes",
    "uuid.uuid1": "an id",
    "uuid.uuid4": "an id",
    "urllib.request.urlopen": "bytes",
}
OPT_OUT = re.compile(r"#\s*(?:type:\s*ignore|noqa|pragma:)(?P<rest>.*)")
CODES = re.compile(r"^(?:\[[\w, -]+\]|:?\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|:?\s*no cover)?[\s#:-]*")


def only_docstring(tree: ast.Module) -> bool:
    """Whether a module holds nothing but its docstring.

    >>> only_docstring(ast.parse("'''What it is.'''")), only_docstring(ast.parse("import os"))
    (True, False)
    """
    rest = tree.body[1:] if ast.get_docstring(tree) is not None else tree.body
    return not rest


def reached_for(tree: ast.Module) -> Iterator[tuple[int, str]]:
    r"""Lines where pure code takes what should be handed in.

    >>> list(reached_for(ast.parse("import time\nnow = time.time()")))
    [(2, 'time.time() in pure code: take an instant as an argument')]
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func)
            if name in HANDED_IN:
                yield node.lineno, f"{name}() in pure code: take {HANDED_IN[name]} as an argument"


def unexplained(text: str) -> Iterator[tuple[int, str]]:
    r"""Lines that opt out of a check without a word why.

    >>> ignore = "x = f()  # type: " + "ignore[misc]"
    >>> list(unexplained(f"{ignore}  # its stubs lag behind\n{ignore}"))
    [(2, 'an opt-out without its reason: add a second comment after it')]
    """
    for number, line in enumerate(text.splitlines(), 1):
        found = OPT_OUT.search(line)
        if found and len(CODES.sub("", found["rest"].strip()).split()) < 2:
            yield number, "an opt-out without its reason: add a second comment after it"


def in_circles(graph: grimp.ImportGraph) -> list[str]:
    """Modules that import themselves by way of others."""
    return sorted(
        module
        for module in graph.modules
        if any(
            module in graph.find_upstream_modules(imported)
            for imported in graph.find_modules_directly_imported_by(module)
        )
    )


def faults() -> Iterator[str]:
    """Every fault as `path:line: what`."""
    pure = {path for pattern in PURE for place in SOURCE.glob(pattern) for path in (place, *place.rglob("*.py"))}
    for path in sorted([*SOURCE.rglob("*.py"), *(ROOT / "tools").glob("*.py"), *(ROOT / "tests").rglob("*.py")]):
        name, text = path.relative_to(ROOT), path.read_text("utf-8")
        tree = ast.parse(text, str(name))
        if path.name == "__init__.py" and not only_docstring(tree):
            yield f"{name}: an __init__ holds a docstring at most"
        found = [*unexplained(text), *(reached_for(tree) if path in pure else ())]
        yield from (f"{name}:{line}: {said}" for line, said in found)


def main() -> int:
    """Print the faults and the circles; 1 if there are any."""
    graph = grimp.build_graph("zhicheng", cache_dir=None)
    circles = in_circles(graph)
    found = list(faults())
    print(
        *found,
        *(f"{module} is in an import circle" for module in circles),
        sep="\n",
        end="\n" if found or circles else "",
    )
    print(f"{len(circles)} of {len(graph.modules)} modules in import circles")
    return 1 if found or circles else 0


if __name__ == "__main__":
    sys.exit(main())
