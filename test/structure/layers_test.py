"""The direction of dependencies, over the real tree; and every rule on a bad example, so that it can be seen to fail."""

import unittest

import layers
from source_tree import ROOT, cpp_files, read, tracked_files


class Rules(unittest.TestCase):
    def test_a_later_layer_may_not_be_included(self):
        bad = '#include "plan/planner.h"\n'
        self.assertEqual(layers.direction_problems("src/model/group.cpp", bad),
                         ["src/model/group.cpp:1: model may not include plan/planner.h: plan is a later layer"])
        self.assertEqual(layers.direction_problems("src/step/fence.cpp", bad), [])
        self.assertEqual(layers.direction_problems("src/plan/check.cpp", '#include "plan/snapshot.h"\n'), [])

    def test_an_include_in_a_comment_is_none(self):
        self.assertEqual(layers.direction_problems("src/model/a.cpp", '/*\n#include "plan/x"\n*/ // #include "run/x"\n'), [])

    def test_an_unknown_module_is_a_problem(self):
        self.assertTrue(layers.direction_problems("src/utils/misc.cpp", ""))

    def test_pure_modules_touch_nothing(self):
        for include in ("<fstream>", "<thread>", "<sys/socket.h>", "<boost/asio.hpp>", "<curl/curl.h>", '"libpq-fe.h"'):
            text = f"#include {include}\n"
            self.assertTrue(layers.purity_problems("src/plan/check.cpp", text), include)
            self.assertTrue(layers.purity_problems("src/base/json.cpp", text), include)
            self.assertEqual(layers.purity_problems("src/driver/x.cpp", text), [])
            self.assertEqual(layers.purity_problems("src/link/message_test.cpp", text), [])
        self.assertEqual(layers.purity_problems("src/base/file.cpp", "#include <fstream>\n"), [])

    def test_libraries_have_homes(self):
        self.assertTrue(layers.home_problems("src/agent/agent.cpp", "#include <boost/asio/post.hpp>\n"))
        self.assertTrue(layers.home_problems("src/net/server.cpp", "#include <CLI/CLI.hpp>\n"))
        self.assertEqual(layers.home_problems("src/net/server.cpp", "#include <boost/asio/post.hpp>\n"), [])
        self.assertEqual(layers.home_problems("src/base/json.cpp", "#include <boost/json.hpp>\n"), [])

    def test_cmake_depends_on_earlier_layers_only(self):
        self.assertTrue(layers.dependency_problems("x", "swb_module(model DEPENDS base\n  plan LINK yaml-cpp)"))
        self.assertTrue(layers.dependency_problems("x", "swb_module(model DEPENDS model)"))
        self.assertEqual(layers.dependency_problems("x", "swb_module(model DEPENDS base LINK api)"), [])


class Tree(unittest.TestCase):
    def problems(self, rule, names):
        found = [problem for name in names for problem in rule(name, read(name))]
        self.assertEqual(found, [], "\n" + "\n".join(found))

    def test_the_tree_is_there(self):
        self.assertGreater(len(cpp_files("src/")), 100)

    def test_modules_include_earlier_layers_only(self):
        self.problems(layers.direction_problems, cpp_files("src/", "apps/"))

    def test_pure_modules_touch_nothing(self):
        self.problems(layers.purity_problems, cpp_files("src/"))

    def test_libraries_stay_at_home(self):
        self.problems(layers.home_problems, cpp_files())

    def test_cmake_depends_on_earlier_layers_only(self):
        lists = [name for name in tracked_files() if name.startswith("src/") and name.endswith("/CMakeLists.txt")]
        self.assertGreater(len(lists), 10)
        self.problems(layers.dependency_problems, lists)

    def test_every_module_is_built(self):
        built = read("src/CMakeLists.txt")
        for module in {layers.module_of(name) for name in cpp_files("src/")}:
            self.assertRegex(built, rf"\b{module}\b")
            self.assertTrue((ROOT / "src" / module / "CMakeLists.txt").exists(), module)


if __name__ == "__main__":
    unittest.main()
