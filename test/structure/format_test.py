"""clang-format has nothing to change: `make format` does it."""
import os
import subprocess
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


class Format(unittest.TestCase):
    def test_every_source_is_formatted(self):
        checked = subprocess.run([os.path.join(ROOT, "scripts/check-format")], capture_output=True, text=True, check=False)
        self.assertEqual((0, "", ""), (checked.returncode, checked.stdout, checked.stderr))


if __name__ == "__main__":
    unittest.main()
