"""Habits of CONTRIBUTING.md as rules. Each takes a file's name and text and answers a list of problems."""

import re

from source_tree import code_of, line_of

FILE_LINES_MAX = 600
FILE_LINES_LISTED = 400
FUNCTION_LINES_MAX = 100
TEST_LINES_MAX = 250  # a test may be one long table

# What a C++ source may not call, and what to use.
BANNED_CALLS = {
    r"\bsystem\s*\(": "a program is started with an argv array (driver/support/program.h)",
    r"\bpopen\s*\(": "a program is started with an argv array (driver/support/program.h)",
    r"(?<![\w])v?sprintf\s*\(": "fmt::format, or snprintf with a size",
    r"\bstr(?:cpy|cat)\s*\(": "std::string",
    r"\bgets\s*\(": "fgets, or a stream",
    r"\bs?rand\s*\(": "base/ids.h: randomness comes from the kernel",
    r"\busing\s+namespace\s+std\s*;": "write std::",
    r"\b(?:gethostbyname|strtok|asctime|localtime|gmtime)\s*\(": "the re-entrant function: there are threads",
}
BANNED_PYTHON = {
    r"\bos\.system\s*\(": "subprocess with a list of words",
    r"\bshell\s*=\s*True\b": "a list of words",
    r"\bos\.popen\s*\(": "subprocess with a list of words",
}
# Written in pieces so that this file has none of them.
_LATER = re.compile(r"\b(?:TO" r"DO|FIX" r"ME|X" r"XX)\b(?!\([a-z][\w-]*\))")
_MACHINE_PATHS = re.compile(r"(?<![\w.])/wo" r"rk/|/tmp/bui" r"ld")
_REGISTRIES = re.compile(r"\b(?:registry\.npm" r"js\.org|py" r"pi\.org|files\.python" r"hosted\.org|proxy\.gol" r"ang\.org|"
                         r"(?:static\.|index\.)crat" r"es\.io|deb\.deb" r"ian\.org)\b")


def file_length_problems(name, text):
    lines = text.count("\n")
    return [f"{name}: {lines} lines; at most {FILE_LINES_MAX}: give a part of it a file of its own"] \
        if lines > FILE_LINES_MAX else []


_SCOPE = re.compile(r"^\s*(?:inline\s+|export\s+)*(?:namespace\b|extern\b|(?:template\s*<.*>\s*)?"
                    r"(?:class|struct|union|enum)\b)", re.DOTALL)


def functions(text):
    """(first line, last line, heading) of every function body, by counting braces."""
    code = re.sub(r"^[ \t]*#(?:[^\n\\]|\\.)*(?:\\\n(?:[^\n\\]|\\.)*)*", lambda match: re.sub(r"[^\n]", " ", match.group(0)),
                  code_of(text), flags=re.MULTILINE)
    stack, start, found = [], 0, []
    for position, character in enumerate(code):
        inside_function = "function" in stack or "initialiser" in stack
        if character == "{":
            heading = code[start:position]
            if inside_function:
                stack.append("block")
            elif _SCOPE.match(heading) and "(" not in re.sub(r"(?:alignas|__attribute__)\s*\(+[^)]*\)+", "", heading.split(" : ")[0]):
                stack.append("scope")
                start = position + 1
            elif position and (code[position - 1].isalnum() or code[position - 1] in "_>") and "(" in heading:
                stack.append("initialiser")  # a_{1} in a constructor's list
            elif "(" in heading and heading.count("(") == heading.count(")") and not re.search(r"[^=!<>]=\s*$", heading):
                stack.append("function")
                opened = len(heading) - len(heading.lstrip())
                found.append([line_of(code, start + opened), None, " ".join(heading.split())])
            else:
                stack.append("initialiser")
        elif character == "}" and stack:
            kind = stack.pop()
            if kind == "function":
                found[-1][1] = line_of(code, position)
                start = position + 1
            elif kind == "scope":
                start = position + 1
        elif character == ";" and not inside_function:
            start = position + 1
    return [tuple(one) for one in found if one[1] is not None]


def function_length_problems(name, text):
    most = TEST_LINES_MAX if name.endswith("_test.cpp") else FUNCTION_LINES_MAX
    return [f"{name}:{first}: {last - first + 1} lines; at most {most}: {heading[:60]}"
            for first, last, heading in functions(text) if last - first + 1 > most]


def _matches(name, text, table):
    return [f"{name}:{line_of(text, match.start())}: '{match.group(0).strip()}' is not used here: {instead}"
            for pattern, instead in table.items() for match in re.finditer(pattern, text)]


def banned_call_problems(name, text):
    if name.endswith(".py"):
        return _matches(name, text, BANNED_PYTHON)
    return _matches(name, code_of(text), BANNED_CALLS)


def later_problems(name, text):
    return [f"{name}:{line_of(text, match.start())}: '{match.group(0)}' without an owner: do it, or file an issue"
            for match in _LATER.finditer(text)]


def header_problems(name, text):
    problems = []
    if not re.search(r"^#pragma once$", text, re.MULTILINE):
        problems.append(f"{name}: no #pragma once")
    if not text.startswith("// "):
        problems.append(f"{name}:1: a header begins with what it is for")
    return problems


def co_await_problems(name, text):
    """g++ 12 miscompiles temporaries of lambdas and of braced aggregates inside a co_await expression."""
    code, problems = code_of(text), []
    for match in re.finditer(r"\bco_await\b", code):
        depth, position = 0, match.end()
        while position < len(code):
            character = code[position]
            before = code[match.end():position].rstrip()[-1:]
            if character in "([":
                if character == "[" and not (before.isalnum() or before in "_)]" and before):
                    problems.append(f"{name}:{line_of(code, position)}: a lambda inside a co_await expression: name it first")
                    break
                depth += 1
            elif character in ")]":
                depth -= 1
            elif character == "{":
                problems.append(f"{name}:{line_of(code, position)}: braces inside a co_await expression: name the value first")
                break
            if depth < 0 or (depth == 0 and character in ";,?"):
                break
            position += 1
    return problems


def machine_path_problems(name, text):
    return [f"{name}:{line_of(text, match.start())}: '{match.group(0)}' belongs to one machine"
            for pattern in (_MACHINE_PATHS, _REGISTRIES) for match in pattern.finditer(text)]
