"""WordPress, as Debian packages it and nobody here wrote it, across a switch there and back: posts published over HTTP all
the while are at the new site afterwards, each once, and nobody is answered anything but that or the maintenance page.
Its own nginx, php-fpm and MariaDB at both sites of a lab, defined, replicated and switched by the public commands,
beside the lab's shop."""
import base64
import collections
import json
import os
import secrets
import signal
import tempfile
import unittest

import world
from wordpress import FRONT_PORT, KEYS, SCHEMA, Authors, Site, Visitor

GROUP = "blog"
POSTS_MIN = 25  # before, between and after the switches
EDITOR = "a long enough word for an editor"


class Wordpress(world.Scenario):
    lab_arguments = ("--engines", "redis")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        home = f"http://blog.{cls.lab.status['dns']['zone']}:{FRONT_PORT}"
        password, keys = secrets.token_hex(16), {key: secrets.token_hex(32) for key in KEYS}
        cls.home = home
        cls.sites = {name: Site(cls.lab, name, home, password, keys) for name in ("fra", "nyc")}
        for site in cls.sites.values():
            site.make()
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as definition:
                json.dump(site.definition(), definition)  # JSON is YAML
                definition.flush()
                cls.lab.run("app", "apply", definition.name, "--wait")
            cls.lab.run("app", "secret", "set", site.application, "MYSQL_PASSWORD", "--wait", input=password + "\n")
        # Installed at one site, by its address: there is no name yet. The other site gets a copy.
        first = Visitor(home, lambda: [cls.sites["fra"].address])
        world.wait_for(lambda: first.request("GET", "/wp-admin/install.php")[0] == 200, 20, "a WordPress to install")
        status, _, text = first.install(EDITOR)
        first.forget()
        if status != 200 or "wp-login.php" not in text:
            raise RuntimeError(f"WordPress was not installed: {status} {text[:2000]}")
        cls.lab.run("replication", "enable", "--from", "blog-fra", "--to", "blog-nyc", "--consent",
                    "replace:blog-nyc/posts", "--wait", timeout=120)
        cls.lab.run("group", "create", GROUP, "--primary", "blog-fra", "--secondary", "blog-nyc", "--label", GROUP,
                    "--ttl", "2")
        cls.wait_ready()

    @classmethod
    def refusals(cls):
        ready = cls.lab.run("group", "check", GROUP, allow_failure=True)
        return [check["sentence"] for check in ready.get("ready", ready)["checks"] if check["verdict"] == "refused"]

    @classmethod
    def wait_ready(cls):
        world.wait_for(lambda: cls.refusals() == [], 30, "a blog that is ready", pause=0.2)

    def visitor(self, resolve=None):
        name = f"{GROUP}.{self.lab.status['dns']['zone']}"
        visitor = Visitor(self.home, resolve or (lambda: self.lab.resolve(name)))
        self.addCleanup(visitor.forget)
        return visitor

    def editor(self):
        """Logged in; PHP may be starting again because its environment has changed."""
        return world.wait_for(lambda: self.visitor().log_in(EDITOR), what="a login")

    def authors(self):
        """Two in a browser's session, two programs."""
        browsers = [self.editor() for _ in range(2)]
        programs = [self.visitor() for _ in range(2)]
        for number, program in enumerate(programs):
            word = f"editor:{browsers[0].application_password(f'program {number}')}"
            program.credentials = {"Authorization": "Basic " + base64.b64encode(word.encode()).decode()}
        return browsers + programs

    def posts_in(self, site):
        return [row[0] for row in self.sites[site].database.query(
            "SELECT post_title FROM wp_posts WHERE post_type = 'post' AND post_status = 'publish'", SCHEMA)]

    def switch_to(self, site):
        run = self.lab.run("group", "switch", GROUP, "--yes", "--wait", timeout=60)
        self.assertEqual((run["state"], run["to"]), ("done", "blog-" + site), run)
        other = self.sites[self.lab.standby_of(site)]
        self.assertEqual(self.visitor().resolve(), [self.sites[site].address])
        # The old site says so to who still asks it, with WordPress and MariaDB running behind.
        status, headers, _ = self.visitor(lambda: [other.address]).request("GET", "/")
        self.assertEqual((status, headers["Swingbridge-Maintenance"]), (503, "page"))
        self.assertEqual(other.database.query("SELECT @@read_only"), [["1"]])
        return run

    def more_posts(self, authors):
        before = authors.count()
        world.wait_for(lambda: authors.count() >= before + POSTS_MIN, 60, "more posts")

    def assert_each_once(self, site, authors):
        """Through the failover address, in the new site's database, and soon in the old one's copy."""
        self.assertEqual(self.lab.run("group", "show", GROUP)["current"], "blog-" + site)
        read = collections.Counter(self.visitor().titles())
        self.assertEqual([title for title in authors.published if read[title] != 1], [])
        self.assertEqual([title for title, times in read.items() if times != 1], [])
        self.assertEqual(collections.Counter(self.posts_in(site)), read)
        other = self.lab.standby_of(site)
        world.wait_for(lambda: collections.Counter(self.posts_in(other)) == read, 20, f"the copy at {other}")

    def test_posts_published_during_switches_are_there_once(self):
        outages = []
        with Authors(self.authors()) as authors:
            for site in ("nyc", "fra"):
                self.more_posts(authors)
                outages.append(self.switch_to(site)["writeOutageMs"])
                self.more_posts(authors)
                self.wait_ready()
        self.assert_each_once("fra", authors)
        self.assertEqual(set(authors.answers) - {"published", "maintenance"}, set(), authors.answers)
        self.assertEqual(self.lab.resolve(), [self.lab.site("fra")["server"]["address"]], "the shop stayed where it was")
        print(f"{len(authors.published)} posts acknowledged, each there once; write outages {outages} ms, longest gap "
              f"{authors.longest_gap() * 1000:.0f} ms; answers {authors.answers}", flush=True)

    def test_readers_get_pages_from_the_new_site(self):
        reader = self.visitor()
        editor = self.editor()
        post, answer = editor.publish("before the reader came")
        self.assertEqual(answer, "published")
        before = self.lab.run("group", "show", GROUP)["current"].removeprefix("blog-")
        for site in (self.lab.standby_of(before), before):
            self.switch_to(site)
            status, page = reader.read(post)
            if status == 503:  # asked where the reader's last answer said; now it asks again
                status, page = reader.read(post)
            self.assertEqual((status, reader.address), (200, self.sites[site].address))
            self.assertIn("What was said about before the reader came.", page)
            # The session that began at the other site goes on here.
            editor.forget()
            status, _, page = editor.request("GET", "/wp-admin/edit.php")
            self.assertEqual((status, editor.address), (200, self.sites[site].address), page[:500])
            self.wait_ready()

    def test_php_is_kept_running(self):
        """php-fpm is a process of the definition: one that is killed is back, and posts go on."""
        application = self.lab.run("group", "show", GROUP)["current"]

        def running():
            pid = self.lab.run("app", "show", application)["processes"]["php"]["pid"]
            return os.path.exists(f"/proc/{pid}") and pid
        before = world.wait_for(running, what="a running php-fpm")
        os.kill(before, signal.SIGKILL)
        titles = (f"after php was killed, attempt {number}" for number in range(10_000))
        world.wait_for(lambda: self.visitor().log_in(EDITOR).publish(next(titles))[0], 20, "a post after php was killed")
        world.wait_for(lambda: running() not in (False, before), what="another php-fpm")


if __name__ == "__main__":
    unittest.main()
