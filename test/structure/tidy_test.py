"""The habits over the real tree; and every rule on a bad example, so that it can be seen to fail."""

import sys
import unittest

import tidy
from source_tree import cpp_files, read, tracked_files


class Rules(unittest.TestCase):
    def test_file_length(self):
        self.assertEqual(tidy.file_length_problems("a.cpp", "\n" * 600), [])
        self.assertTrue(tidy.file_length_problems("a.cpp", "\n" * 601))

    def test_functions_are_found(self):
        text = """namespace swb {
struct Point { int x = 0; int norm() const { return x; } };
constexpr std::array table = {1, 2, 3};
Point::Point(int x)
    : x_{x}, y_{2} {
    if (x) {
    }
}
enum class Colour { red, green };
template <typename T>
T twice(T value) {
    const auto add = [](T a) { return a + a; };
    return add("}{");  // }
}
auto made = std::to_array<Row>({
    {"a", 1},
});
}
"""
        self.assertEqual([(first, last) for first, last, _ in tidy.functions(text)], [(2, 2), (4, 8), (10, 14)])

    def test_function_length(self):
        def function(lines):
            return "int f() {\n" + "    g();\n" * (lines - 2) + "}\n"
        self.assertEqual(tidy.function_length_problems("a.cpp", function(100)), [])
        self.assertTrue(tidy.function_length_problems("a.cpp", function(101)))
        self.assertTrue(tidy.function_length_problems("a.cpp", "class A {\n  " + function(101) + "};\n"))

    def test_banned_calls(self):
        for call in ('system("ls");', 'popen("ls", "r");', "sprintf(a, b);", "strcpy(a, b);", "gets(a);", "std::rand();",
                     "using namespace std;", "localtime(&t);"):
            self.assertTrue(tidy.banned_call_problems("a.cpp", call), call)
        for call in ("snprintf(a, 3, b);", '"system(x)"', "// system(x)", "fgets(a, 3, f);", "file_system(x);",
                     "using namespace std::literals;", "localtime_r(&t, &b);"):
            self.assertEqual(tidy.banned_call_problems("a.cpp", call), [], call)
        self.assertTrue(tidy.banned_call_problems("a.py", "subprocess.run(x, shell=" + "True)"))
        self.assertTrue(tidy.banned_call_problems("a.py", "os.sys" + "tem('ls')"))

    def test_later_needs_an_owner(self):
        self.assertTrue(tidy.later_problems("a.cpp", "// TO" + "DO: more"))
        self.assertTrue(tidy.later_problems("a.py", "# FIX" + "ME"))
        self.assertEqual(tidy.later_problems("a.cpp", "// TO" + "DO(maria): more"), [])

    def test_headers(self):
        self.assertEqual(tidy.header_problems("a.h", "// What it is for.\n#pragma once\n"), [])
        self.assertTrue(tidy.header_problems("a.h", "#pragma once\n"))
        self.assertTrue(tidy.header_problems("a.h", "// What it is for.\n"))

    def test_co_await(self):
        for bad in ("co_await run([x] { return x; });", "co_await run(Options{1, 2});", "if (co_await f({1})) {",
                    "co_await timer.wait(a,\n    [=](int) {});", "TRY(co_await f(Pair{1}));"):
            self.assertTrue(tidy.co_await_problems("a.cpp", bad), bad)
        for good in ("co_await run(std::move(task));", "if (co_await f(a[1])) {", "while (!co_await f()) { g({1}); }",
                     "co_await f(); g({2});", "// co_await f({1});", 'co_await f("{");', "h(co_await f(), [] {});"):
            self.assertEqual(tidy.co_await_problems("a.cpp", good), [], good)

    def test_machine_paths(self):
        self.assertTrue(tidy.machine_path_problems("a.md", "see /wo" + "rk/main/src"))
        self.assertTrue(tidy.machine_path_problems("a.md", "cd /tmp/bui" + "ld-x"))
        self.assertTrue(tidy.machine_path_problems("a.md", "https://py" + "pi.org/simple"))
        self.assertEqual(tidy.machine_path_problems("a.md", "src/network/work/x and /tmp/x"), [])


SOURCES = [name for name in tracked_files() if name.endswith((".cpp", ".h", ".py", ".ts", ".js")) or
           name.startswith("scripts/")]


class Tree(unittest.TestCase):
    def problems(self, rule, names):
        self.assertTrue(names)
        found = [problem for name in names for problem in rule(name, read(name))]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_files_are_short(self):
        for name in SOURCES:
            lines = read(name).count("\n")
            if lines > tidy.FILE_LINES_LISTED:
                print(f"long: {name}: {lines} lines", file=sys.stderr)
        self.problems(tidy.file_length_problems, SOURCES)

    def test_functions_are_short(self):
        self.problems(tidy.function_length_problems, cpp_files())

    def test_no_banned_call(self):
        self.problems(tidy.banned_call_problems, [name for name in SOURCES if name.endswith((".cpp", ".h", ".py")) and
                                                  not name.startswith("test/structure/")])

    def test_nothing_is_left_for_later(self):
        self.problems(tidy.later_problems, SOURCES)

    def test_headers_say_what_they_are_for(self):
        self.problems(tidy.header_problems, [name for name in cpp_files() if name.endswith(".h")])

    def test_co_await_expressions_are_plain(self):
        self.problems(tidy.co_await_problems, cpp_files("src/net/", "apps/"))

    def test_nothing_belongs_to_one_machine(self):
        self.problems(tidy.machine_path_problems, tracked_files())


if __name__ == "__main__":
    unittest.main()
