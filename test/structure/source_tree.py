"""What the structure tests read: the files git knows (or, outside a checkout, those of the directory), and C++ text
with its comments and literals blanked so that rules look at code only. Lines keep their numbers."""

import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

_TOKEN = re.compile(
    r"""^[ \t]*#[ \t]*include[ \t]*["<][^\n">]*[">]|//[^\n]*|/\*.*?\*/|R"(?P<mark>[^(\s]*)\(.*?\)(?P=mark)"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.DOTALL | re.MULTILINE)


def _blank(match):
    text = match.group(0)
    if text.lstrip().startswith("#"):
        return text
    if text[0] == "'" and match.start() and match.string[match.start() - 1].isalnum():
        return text  # 10'000
    return "".join("\n" if character == "\n" else " " for character in text)


def code_of(text):
    """The C++ text with comments, strings and character literals as blanks; include lines are kept."""
    return _TOKEN.sub(_blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


@functools.lru_cache(maxsize=None)
def tracked_files():
    """Paths relative to the root, sorted; new files count before they are committed, ignored ones never."""
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                             capture_output=True, check=False)
    if listing.returncode == 0:
        names = {name for name in listing.stdout.decode().split("\0") if name}
    else:
        names = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*")
                 if not path.relative_to(ROOT).parts[0] in ("build", ".git")}
    return sorted(name for name in names if (ROOT / name).is_file())


def read(name):
    return (ROOT / name).read_text(encoding="utf-8", errors="replace")


def cpp_files(*folders):
    return [name for name in tracked_files()
            if name.endswith((".cpp", ".h")) and (not folders or name.startswith(folders))]
