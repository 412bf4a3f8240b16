"""Every readiness check of src/plan is in docs/readiness.md, and every check there exists; bold are those that refuse."""
import glob
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CALL = re.compile(r"\b(refuseUnless|warnUnless|checkSame|add)\(")


def arguments(text, begin):
    """The arguments of a call whose parenthesis was opened just before begin; strings may hold anything."""
    found, depth, current, at = [], 0, "", begin
    while True:
        character = text[at]
        if character == '"':
            end = re.compile(r'"(?:[^"\\]|\\.)*"').match(text, at).end()
            current += text[at:end]
            at = end
            continue
        if depth == 0 and character in ",)":
            found.append(current.strip())
            current = ""
            if character == ")":
                return found
        else:
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(character, 0)
            current += character
        at += 1


def checks_of_the_code():
    """Name → whether it can refuse. Names that are made up while running (address-…) are left out."""
    checks = {}
    for path in glob.glob(os.path.join(ROOT, "src/plan/check*.cpp")):
        if path.endswith("_test.cpp"):
            continue
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for call in CALL.finditer(text):
            given = arguments(text, call.end())
            if len(given) < 3 or not re.fullmatch(r'"[a-z-]+"', given[1]) or given[1].endswith('-"'):
                continue
            refuses = call[1] in ("refuseUnless", "checkSame") or given[0] == "Verdict::refused"
            name = given[1].strip('"')
            checks[name] = checks.get(name, False) or refuses
    return checks


def checks_of_the_page():
    with open(os.path.join(ROOT, "docs/readiness.md"), encoding="utf-8") as file:
        first_cells = re.findall(r"^\| ((?:\*\*)?`.*?) \|", file.read(), re.MULTILINE)
    checks = {}
    for cell in first_cells:
        for bold, name in re.findall(r"(\*\*)?`([a-z-]+)`", cell):
            if name in checks:
                raise ValueError(f"{name} stands twice")
            checks[name] = bool(bold)
    return checks


class CheckDocumentation(unittest.TestCase):
    def test_the_code_was_read(self):
        self.assertGreater(len(checks_of_the_code()), 60)

    def test_every_check_is_documented_and_none_besides(self):
        self.assertEqual(sorted(checks_of_the_code()), sorted(checks_of_the_page()))

    def test_bold_are_those_that_refuse(self):
        page = checks_of_the_page()
        self.assertEqual({}, {name: refuses for name, refuses in checks_of_the_code().items()
                              if page.get(name) != refuses})


if __name__ == "__main__":
    unittest.main()
