"""Which module may use which. The order is the one of DESIGN.md §4: a module includes and links only earlier ones, so
there are no cycles; the pure ones touch no file, socket, thread or server; each outside library has one home."""

import re

from source_tree import code_of, line_of

LAYERS = ("base", "crypto", "model", "run", "plan", "dns", "publication", "link", "store", "step", "driver", "health",
          "dispatch", "agent", "api", "net", "lab", "apps")

# Decisions without effects: everything comes in as arguments and goes out as values.
PURE = ("model", "run", "plan", "link", "step", "health")
# base holds the few tools that do touch the system, each in its own file.
BASE_TOOLS = ("file", "fd", "log", "clock", "ids", "fault", "assert")
IMPURE_INCLUDES = ("sys/socket.h", "netdb.h", "fstream", "filesystem", "thread", "mutex", "condition_variable", "future",
                   "libpq-fe.h", "mysql.h", "sqlite3.h", "curl/", "boost/asio", "boost/beast", "fcntl.h", "sys/wait.h", "spawn.h")

# A library that only some folders may include.
HOMES = {
    "boost/asio": ("src/net/",),
    "boost/beast": ("src/net/",),
    "CLI/": ("apps/", "test/", "src/lab/command.cpp"),
    "sqlite3.h": ("src/store/",),
    "mysql.h": ("src/driver/mariadb/",),
    "libpq-fe.h": ("src/driver/postgresql/", "test/", "src/lab/"),
    "yaml-cpp/": ("src/model/",),
}

_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
_MODULE_CALL = re.compile(r"swb_module\(\s*(\w+)([^)]*)\)")


def is_test(name):
    stem = name.rsplit(".", 1)[0]
    return name.startswith("test/") or stem.endswith(("_test", "_test_support"))


def module_of(name):
    parts = name.split("/")
    if parts[0] == "apps":
        return "apps"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def includes(text):
    """(line, path, is quoted) of every include."""
    for match in _INCLUDE.finditer(code_of(text)):
        yield line_of(text, match.start(0)), match.group(1) or match.group(2), match.group(1) is not None


def is_pure(name):
    module = module_of(name)
    if is_test(name):
        return False
    if module == "base":
        return name.rsplit("/", 1)[1].split(".")[0] not in BASE_TOOLS
    return module in PURE


def direction_problems(name, text):
    module = module_of(name)
    if module is None:
        return []
    if module not in LAYERS:
        return [f"{name}: the module {module} has no place in the layers"]
    problems = []
    for line, path, quoted in includes(text):
        other = path.split("/")[0]
        if quoted and "/" in path and other in LAYERS and LAYERS.index(other) > LAYERS.index(module):
            problems.append(f"{name}:{line}: {module} may not include {path}: {other} is a later layer")
    return problems


def purity_problems(name, text):
    if not is_pure(name):
        return []
    return [f"{name}:{line}: {module_of(name)} is pure and may not include <{path}>"
            for line, path, _ in includes(text) if path.startswith(IMPURE_INCLUDES)]


def home_problems(name, text):
    problems = []
    for line, path, _ in includes(text):
        for library, homes in HOMES.items():
            if path.startswith(library) and not name.startswith(homes):
                problems.append(f"{name}:{line}: {path} is for {', '.join(homes)} only")
    return problems


def dependency_problems(name, text):
    """DEPENDS of a module's CMakeLists.txt."""
    problems = []
    for module, rest in _MODULE_CALL.findall(text):
        if module not in LAYERS:
            problems.append(f"{name}: the module {module} has no place in the layers")
            continue
        depends = re.search(r"\bDEPENDS\b((?:\s+[a-z_]+\b)*)", rest)
        for other in depends.group(1).split() if depends else ():
            if other not in LAYERS or LAYERS.index(other) >= LAYERS.index(module):
                problems.append(f"{name}: {module} may not depend on {other}: it is no earlier layer")
    return problems
