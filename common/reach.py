"""What of the code a run can reach, definition by definition: names are followed from where a run starts.

A function, class or constant is reached when something reached names it, a method when its class is and
anything reached says its name, be it in quotes, or a library may call it. What a module does while it is
imported counts as soon as the module is. Names are followed without knowing types, so more is taken in than a
run needs, not less. Lines that are said and work that is counted are no part of it, nor are defaults of the
environment, nor what stands behind a setting that is off, nor how data are read that the run was not given.
"""

import ast
import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

Key = tuple[str, str]  # a module and a name in it; no name stands for what the module does when imported
BODY = ""
EVERYTHING = "*"
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef
SAYS = ast.Module | ast.ClassDef | FUNCTION
CALLS_NOTHING = ("abc.ABC", "typing.Protocol", "typing.NamedTuple")
ASKS_FOR_DATA = {
    "data is None": True,
    "data is not None": False,
}  # and whether it holds with a run's own data


@dataclass(frozen=True)
class Quiet(ast.NodeTransformer):
    """Leaves out what only tells people how a run goes: lines said, and work that is counted.

    Defaults of the environment go too, since a person may set them otherwise, and so does what is done only
    with a setting, a method or a device that this run has not: what stands behind `if config.name`,
    `if config.method == "name"` and `if cores.on_gpu()`, as a statement or in an expression. Of
    `if data is None` and `if data is not None` only the side stays that is taken with this run's data.
    """

    off: frozenset[str] = frozenset()
    methods: frozenset[str] = frozenset()
    on_cpu: bool = False
    own_data: bool | None = None  # whether a run reads the data that ship; unknown keeps both sides

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """What follows a return is never done."""
        self.generic_visit(node)
        ends = [place for place, part in enumerate(node.body, start=1) if isinstance(part, ast.Return)]
        node.body = node.body[: ends[0]] if ends else node.body
        return node

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:
        return self.taken(node)

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        return self.taken(node)

    def taken(self, node: ast.If | ast.IfExp) -> ast.AST | list[ast.stmt]:
        """The side of a condition that such a run takes, or all of it where that is open."""
        self.generic_visit(node)
        if self.own_data is not None and (asks := ast.unparse(node.test)) in ASKS_FOR_DATA:
            return node.body if self.own_data == ASKS_FOR_DATA[asks] else node.orelse
        return node.orelse if self.is_off(node.test) else node

    def is_off(self, test: ast.expr) -> bool:
        """Whether a condition asks for a setting that is off, a method that is not used, or a GPU in vain."""
        if self.on_cpu and ast.unparse(test) == "cores.on_gpu()":
            return True
        if isinstance(test, ast.Compare) and isinstance(test.ops[0], ast.Eq) and self.methods:
            wanted = getattr(test.comparators[0], "value", None)
            return setting_in(test.left) == "method" and wanted not in self.methods
        return setting_in(test) in self.off

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """`say(...)`, `work.advance(...)` and `os.environ.setdefault(...)` as statements."""
        name = ast.unparse(node.value.func) if isinstance(node.value, ast.Call) else ""
        is_quiet = name in ("say", "os.environ.setdefault") or name.endswith(".advance")
        return None if is_quiet else self.generic_visit(node)

    def visit_With(self, node: ast.With) -> ast.AST | list[ast.stmt]:
        """`with task(...) as work:` is what stands in it."""
        self.generic_visit(node)
        node.items = [item for item in node.items if called(item.context_expr) != "task"]
        return node if node.items else node.body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """`watched(items, ...)` is its items."""
        self.generic_visit(node)
        return node.args[0] if called(node) == "watched" else node


def setting_in(node: ast.expr) -> str:
    """The setting that an expression reads from a config; empty where it does something else."""
    held = isinstance(node, ast.Attribute) and ast.unparse(node.value).rpartition(".")[2] == "config"
    return node.attr if held else ""


def called(node: ast.AST) -> str:
    """The plain name that an expression calls."""
    return getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""


@dataclass
class Module:
    """A file's definitions by name, its other statements, and what its imported names stand for."""

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    body: list[ast.stmt] = field(default_factory=list)
    imports: dict[str, set[str]] = field(default_factory=dict)
    at_once: set[str] = field(default_factory=set)  # imported with the module, not later inside a function


def read(path: Path, name: str, quiet: Quiet) -> Module:
    """A file, taken apart."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return taken_apart(path.read_text(encoding="utf-8"), package, quiet)


@cache
def taken_apart(text: str, package: str, quiet: Quiet) -> Module:
    """The text of a file of a package, without its docstrings."""
    found, tree = Module(), ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, SAYS) and ast.get_docstring(node, clean=False) is not None:
            node.body[:1] = []
        for own, target in imported(node, package):
            found.imports.setdefault(own, set()).add(target)
    for node in quiet.visit(tree).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found.at_once |= {target for _, target in imported(node, package)}
            continue
        names = list(bound(node))
        for name in names:
            found.definitions.setdefault(name, []).append(node)
        if not names:
            found.body.append(node)
    return found


def imported(node: ast.AST, package: str) -> Iterator[tuple[str, str]]:
    """Names that a statement in a package imports, and what they stand for."""
    if isinstance(node, ast.Import):
        yield from ((alias.asname or alias.name.split(".")[0], alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
        place = ".".join([*above, *([node.module] if node.module else [])])
        yield from ((alias.asname or alias.name, f"{place}.{alias.name}") for alias in node.names)


def bound(node: ast.stmt) -> Iterator[str]:
    """Names that a top-level statement defines."""
    if isinstance(node, FUNCTION | ast.ClassDef):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    for target in targets:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            yield from (name.id for name in ast.walk(target) if isinstance(name, ast.Name))


def member(node: ast.stmt) -> str:
    """The name by which a part of a class must be called or read to matter; empty when it always may."""
    if isinstance(node, FUNCTION):
        return "" if node.name.startswith("__") else node.name
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id if "ClassVar" in ast.unparse(node.annotation) else ""
    return ""


class Reach:
    """Follows names through the files under a root."""

    def __init__(self, root: Path, left_out: Iterable[str] = (), quiet: Quiet = Quiet()) -> None:
        self.root, self.left_out, self.quiet = root, frozenset(left_out), quiet
        self.places: dict[str, Path] = {}
        self.known: dict[str, Module | None] = {}
        self.found: dict[Key, list[ast.stmt]] = {}
        self.waiting: list[Key] = []
        self.said: set[str] = set()  # names of attributes, and words in quotes
        self.unsaid: dict[str, list[tuple[str, str, ast.stmt]]] = {}  # members of classes not named yet

    def start(self, name: str, of: str = EVERYTHING) -> None:
        """Takes in a definition of a module, or all of them, and what they reach."""
        self.waiting.append((name, of))
        while self.waiting:
            self.take(self.waiting.pop())

    def place(self, package: str, folder: Path) -> None:
        """Says where a package lies, when that is not where its name says."""
        self.places[package] = folder

    def module(self, name: str) -> Module | None:
        """A module of this project; None for one of a library, or one that only shows."""
        if name not in self.known:
            package, _, last = name.rpartition(".")
            path = (
                self.places[package] / last
                if package in self.places
                else self.root.joinpath(*name.split("."))
            )
            path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
            here = path.is_file() and name not in self.left_out
            self.known[name] = read(path, name, self.quiet) if here else None
        return self.known[name]

    def take(self, key: Key) -> None:
        """Takes in what a name of a module stands for, once."""
        name, wanted = key
        if key in self.found or (module := self.module(name)) is None:
            return
        self.waiting.append((name, BODY))
        if wanted == BODY:
            self.waiting += [(part, BODY) for target in module.at_once for part in self.modules_in(target)]
            statements = module.body
        elif wanted in module.definitions:
            statements = module.definitions[wanted]
        else:
            statements = []
            self.waiting += self.elsewhere(name, module, wanted)
        self.found[key] = []
        for node in statements:
            self.take_statement(key, node)

    def take_statement(self, key: Key, node: ast.stmt) -> None:
        """Takes in a statement; of a class first what runs with it, then the members that something names."""
        if not isinstance(node, ast.ClassDef):
            self.keep(key, node)
            return
        members = [(name, part) for part in node.body if (name := member(part))]
        rest = copy.copy(node)
        rest.body = [part for part in node.body if not member(part)]
        self.keep(key, rest)
        unseen = self.is_called_unseen(key[0], node)
        for name, part in members:
            if unseen or name in self.said:
                self.keep((key[0], f"{key[1]}.{name}"), part)
            else:
                self.unsaid.setdefault(name, []).append((key[0], f"{key[1]}.{name}", part))

    def is_called_unseen(self, name: str, node: ast.ClassDef) -> bool:
        """Whether a class takes after one of a library, which calls methods that nothing here names."""
        module = self.known[name]
        for base in node.bases:
            first, _, rest = ast.unparse(base).split("[")[0].partition(".")
            named = [f"{one}.{rest}".rstrip(".") for one in module.imports.get(first, ())]
            for full in [f"{name}.{first}"] if first in module.definitions else named:
                place, _, what = full.rpartition(".")
                here = self.module(place)
                classes = here.definitions.get(what, []) if here else []
                if not here and full not in CALLS_NOTHING:
                    return True
                if any(self.is_called_unseen(place, one) for one in classes if isinstance(one, ast.ClassDef)):
                    return True
        return False

    def keep(self, key: Key, node: ast.stmt) -> None:
        """Notes a statement and what it names."""
        self.found.setdefault(key, []).append(node)
        self.names_in(key[0], self.known[key[0]], node)

    def hear(self, word: str) -> None:
        """A name that some reached code says: members of that name may be used."""
        if word not in self.said:
            self.said.add(word)
            for name, own, node in self.unsaid.pop(word, []):
                self.keep((name, own), node)

    def elsewhere(self, name: str, module: Module, wanted: str) -> list[Key]:
        """What a name means that a module does not define: an import, a module beneath it, or anything."""
        targets = set(module.imports.get(wanted, ()))
        targets |= {part for part in [f"{name}.{wanted}"] if self.module(part)}
        if targets:
            return [self.aimed_at(target) for target in sorted(targets)]
        return [(name, one) for one in module.definitions]

    def modules_in(self, target: str) -> list[str]:
        """The module that a dotted name is, or is in."""
        return [name for name in (target, target.rpartition(".")[0]) if self.module(name)]

    def names_in(self, name: str, module: Module, node: ast.AST) -> None:
        """Notes what a definition names: of its own module, and of those that it imports."""
        through: set[int] = set()
        for part in ast.walk(node):  # parents come before their children
            if isinstance(part, ast.Attribute):
                self.hear(part.attr)
            elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value.isidentifier():
                self.hear(part.value)
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                modules = [one for one in module.imports.get(part.value.id, ()) if self.module(one)]
                self.waiting += [(one, part.attr) for one in modules]
                through |= {id(part.value)} if modules else set()
            elif isinstance(part, ast.Name) and id(part) not in through:
                if part.id in module.definitions:
                    self.waiting.append((name, part.id))
                self.waiting += [self.aimed_at(one) for one in module.imports.get(part.id, ())]

    def aimed_at(self, target: str) -> Key:
        """A dotted name as a whole module, or as a name in one."""
        place, _, name = target.rpartition(".")
        return (target, EVERYTHING) if self.module(target) else (place, name)
