"""Every error code has a section in docs/errors.md, in which its class is named, and every section is of a code."""
import os
import re
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def catalogue():
    """Code → class, as src/base/error.def has them."""
    with open(os.path.join(ROOT, "src/base/error.def"), encoding="utf-8") as file:
        return dict(re.findall(r'^SWB_ERROR\(\w+, "([A-Z-]+)", (\w+), ".+"\)$', file.read(), re.MULTILINE))


def sections():
    """Code → text of its section; a code that stands twice is an error."""
    with open(os.path.join(ROOT, "docs/errors.md"), encoding="utf-8") as file:
        parts = re.split(r"^## (.+)$", file.read(), flags=re.MULTILINE)[1:]
    found = {}
    for title, text in zip(parts[::2], parts[1::2]):
        if title in found:
            raise ValueError(f"{title} has two sections")
        found[title] = text
    return found


class ErrorDocumentation(unittest.TestCase):
    def test_the_catalogue_was_read(self):
        self.assertGreater(len(catalogue()), 30)

    def test_every_code_is_documented(self):
        self.assertEqual([], sorted(set(catalogue()) - set(sections())))

    def test_every_documented_code_exists(self):
        self.assertEqual([], sorted(set(sections()) - set(catalogue())))

    def test_each_section_says_class_meaning_and_what_to_do(self):
        classes = catalogue()
        for code, text in sections().items():
            with self.subTest(code):
                self.assertTrue(text.strip().startswith(f"Class {classes.get(code)}. "), "its class")
                self.assertRegex(text, r"\n\nDo: \S", "what to do")

    def test_commands_that_are_named_exist(self):
        """`swing …` in the text is a command of the command line's tables."""
        commands = set()
        folder = os.path.join(ROOT, "apps/swing")
        for name in os.listdir(folder):
            if name.endswith("_commands.cpp") or name.endswith("_command.cpp"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    commands.update(re.findall(r'(?:\{|steering\()\s*"([a-z]+(?: [a-z]+)*)",\s*"', file.read()))
        self.assertIn("group switch", commands)
        for code, text in sections().items():
            for command in re.findall(r"`swing\s+([a-z]+(?:\s+[a-z]+)*)", text):
                words = command.split()
                known = any(" ".join(words[:count]) in commands for count in range(1, len(words) + 1))
                self.assertTrue(known, f"{code} names `swing {command}`")


if __name__ == "__main__":
    unittest.main()
