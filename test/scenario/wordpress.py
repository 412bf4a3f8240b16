"""WordPress of Debian's package at one site, as its administrator set it up before Swingbridge came, and a visitor who
uses it over HTTP alone, by the name of the failover address."""
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from crowd import Crowd
from mariadb_server import MariadbServer, as_user, give_to

CODE = "/usr/share/wordpress"
SCHEMA, ACCOUNT = "wordpress", "wordpress"
FRONT_PORT, OWN_PORT, DATABASE_PORT = 8090, 8091, 3317

# Sessions have to be valid at both sites: the same keys, as two deployments of one code base have them.
CONFIG = """<?php
define('DB_NAME', getenv('MYSQL_DATABASE'));
define('DB_USER', getenv('MYSQL_USERNAME'));
define('DB_PASSWORD', getenv('MYSQL_PASSWORD'));
define('DB_HOST', getenv('MYSQL_ADDRESS'));
define('DB_CHARSET', 'utf8mb4');
define('WP_HOME', '{home}');
define('WP_SITEURL', '{home}');
define('WP_ENVIRONMENT_TYPE', 'local');
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
{keys}
$table_prefix = 'wp_';
define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
"""
KEYS = ("AUTH_KEY", "SECURE_AUTH_KEY", "LOGGED_IN_KEY", "NONCE_KEY", "AUTH_SALT", "SECURE_AUTH_SALT", "LOGGED_IN_SALT",
        "NONCE_SALT")

FPM = """[global]
error_log = /dev/stderr
[www]
listen = {directory}/php.sock
pm = static
pm.max_children = 4
clear_env = no
catch_workers_output = yes
ping.path = /ping
php_admin_value[sendmail_path] = /bin/true
php_admin_value[session.save_path] = {directory}/tmp
php_admin_value[upload_tmp_dir] = {directory}/tmp
"""

# The site's own server speaks to PHP and listens inside; Swingbridge adds its front in sites/.
NGINX = """pid "{directory}/nginx.pid";
error_log stderr warn;
worker_processes 1;
events {{ worker_connections 256; }}
http {{
    include /etc/nginx/mime.types;
    access_log off;
    client_body_temp_path {directory}/tmp/body;
    proxy_temp_path {directory}/tmp/proxy;
    fastcgi_temp_path {directory}/tmp/fastcgi;
    uwsgi_temp_path {directory}/tmp/uwsgi;
    scgi_temp_path {directory}/tmp/scgi;
    server {{
        listen {address}:{port};
        root {directory}/code;
        index index.php;
        location / {{ try_files $uri $uri/ /index.php?$args; }}
        location = /ping {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME /ping;
            fastcgi_pass unix:{directory}/php.sock;
        }}
        location ~ \\.php$ {{
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME $document_root$fastcgi_script_name;
            fastcgi_param HTTP_HOST $http_host;  # with the port, which Debian's parameters leave out
            fastcgi_pass unix:{directory}/php.sock;
        }}
    }}
    include "{directory}/sites/*.conf";
}}
"""


def php_fpm():
    """The program's name has PHP's version in it."""
    found = sorted(name for name in os.listdir("/usr/sbin") if re.fullmatch(r"php-fpm\d+\.\d+", name))
    if not found:
        raise RuntimeError("php-fpm is not installed: scripts/dependencies")
    return "/usr/sbin/" + found[-1]


class Site:
    """Code, PHP, nginx and MariaDB of one site, in one directory, of the lab's user."""

    def __init__(self, lab, name, home, password, keys):
        place = lab.site(name)["server"]
        self.name, self.application, self.server, self.address = name, "blog-" + name, place["name"], place["address"]
        self.user = lab.status["user"]
        self.directory = os.path.join(lab.directory, "blog-" + name)
        self.home, self.password, self.keys = home, password, keys
        self.database = MariadbServer(self.directory + "/mariadb", self.user, self.address, DATABASE_PORT,
                                      201 if name == "fra" else 202)

    def make(self):
        for part in ("sites", "tmp"):
            os.makedirs(os.path.join(self.directory, part))
        shutil.copytree(CODE, self.directory + "/code")
        self._write("code/wp-config.php", CONFIG.format(home=self.home, keys="\n".join(
            f"define('{key}', '{value}');" for key, value in self.keys.items())))
        self._write("php-fpm.conf", FPM.format(directory=self.directory))
        self._write("nginx.conf", NGINX.format(directory=self.directory, address=self.address, port=OWN_PORT))
        give_to(self.user, self.directory)
        self.database.make(SCHEMA, ACCOUNT, self.password)
        subprocess.run(as_user(self.user, ["/usr/sbin/nginx", "-p", self.directory, "-c", self.directory + "/nginx.conf"]),
                       check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=20)

    def definition(self):
        own = f"{self.address}:{OWN_PORT}"
        return {
            "application": self.application, "site": self.name,
            # A post takes WordPress a while on a machine with too much to do.
            "maintenance": {"drain_ms": 2500},
            "processes": {"php": {
                "server": self.server, "health": f"http://{own}/ping", "stop_signal": "QUIT",
                "command": [php_fpm(), "--nodaemonize", "--prefix", self.directory, "--fpm-config",
                            self.directory + "/php-fpm.conf"]}},
            "web": [{"server": self.server, "front": "nginx", "address": self.address,
                     "listen": [f"{self.address}:{FRONT_PORT}"], "upstream": own,
                     "service": {"manage": "direct", "config": self.directory + "/nginx.conf", "bin": "/usr/sbin"}}],
            "databases": {"posts": {
                "engine": "mariadb", "server": self.server, "address": f"{self.address}:{DATABASE_PORT}",
                "database": SCHEMA, "user": ACCOUNT, "service": self.database.service()}}}

    def _write(self, name, text):
        path = os.path.join(self.directory, name)
        if os.path.lexists(path):
            os.unlink(path)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


class Unexpected(OSError):
    """An answer, but not the one that was asked for."""

    def __init__(self, what, status, text):
        shown = re.sub(r"<style.*?</style>|<script.*?</script>|<[^>]*>|\s+", " ", text, flags=re.DOTALL)
        super().__init__(f"{what}: {status} {' '.join(shown.split())[:1000]}")


class Visitor:
    """One keep-alive connection with cookies. Knows the site by its name only: asks the name server again after the
    TTL, and whenever something went wrong."""

    def __init__(self, home, resolve, ttl=2.0):
        self.host = urllib.parse.urlsplit(home).netloc
        self.resolve, self.ttl = resolve, ttl
        self.cookies, self.credentials = {}, {}
        self.connection, self.address, self.resolved_at = None, None, 0.0

    def request(self, method, path, fields=None, body=None, headers=None):
        """Status, headers and text; OSError or HTTPException when there is no whole answer."""
        sent = {"Host": self.host, **self.credentials, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if fields is not None:
            body, sent["Content-Type"] = urllib.parse.urlencode(fields), "application/x-www-form-urlencoded"
        elif body is not None:
            body, sent["Content-Type"] = json.dumps(body), "application/json"
        try:
            self._connect()
            self.connection.request(method, path, body, sent)
            answer = self.connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException):
            self.forget()
            raise
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        if answer.status >= 500:
            self.forget()
        return answer.status, answer.headers, text

    def forget(self):
        if self.connection:
            self.connection.close()
        self.connection, self.address = None, None

    def _connect(self):
        if self.address is None or time.monotonic() - self.resolved_at > self.ttl:
            answer = self.resolve()
            if not answer:
                raise OSError("the name server does not answer")
            if answer[0] != self.address:
                self.forget()
            self.address, self.resolved_at = answer[0], time.monotonic()
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, FRONT_PORT, timeout=20)

    # -- WordPress

    def install(self, password):
        """The form that the first visitor of a new WordPress fills in."""
        return self.request("POST", "/wp-admin/install.php?step=2", fields={
            "weblog_title": "Bridges", "user_name": "editor", "admin_password": password, "admin_password2": password,
            "pw_weak": "1", "admin_email": "editor@blog.example", "blog_public": "0", "language": "", "Submit": "Install"})

    def log_in(self, password):
        """A browser's session, with the nonce that its scripts would send."""
        self.request("GET", "/wp-login.php")
        status, _, text = self.request("POST", "/wp-login.php", fields={"log": "editor", "pwd": password, "testcookie": "1"})
        if status != 302 or not any(name.startswith("wordpress_logged_in") for name in self.cookies):
            raise Unexpected("no login", status, text)
        status, _, nonce = self.request("GET", "/wp-admin/admin-ajax.php?action=rest-nonce")
        if status != 200:
            raise Unexpected("no nonce", status, nonce)
        self.credentials = {"X-WP-Nonce": nonce}
        return self

    def application_password(self, name):
        """What a program without a browser logs in with."""
        status, _, text = self.request("POST", "/?rest_route=/wp/v2/users/me/application-passwords", body={"name": name})
        if status != 201:
            raise Unexpected("no application password", status, text)
        return json.loads(text)["password"]

    def publish(self, title):
        """The post's number when WordPress said that it is published, else the status."""
        status, headers, text = self.request("POST", "/?rest_route=/wp/v2/posts", body={
            "title": title, "content": f"What was said about {title}.", "status": "publish"})
        if status == 201 and json.loads(text)["title"]["raw"] == title:
            return json.loads(text)["id"], "published"
        return None, "maintenance" if headers.get("Swingbridge-Maintenance") else str(status)

    def read(self, post):
        """A post's page, where WordPress says that it is."""
        path = f"/?p={post}"
        for _ in range(3):
            status, headers, text = self.request("GET", path)
            if status != 301:
                break
            path = headers["Location"].removeprefix("http://" + self.host)
        return status, text

    def titles(self):
        """Of every published post, in pages, as a reader gets them."""
        found, page = [], 1
        while True:
            status, headers, text = self.request(
                "GET", f"/?rest_route=/wp/v2/posts&per_page=100&page={page}&_fields=id,title&orderby=id&order=asc")
            if status != 200:
                raise Unexpected("no posts", status, text)
            found += [post["title"]["rendered"] for post in json.loads(text)]
            if page >= int(headers["X-WP-TotalPages"]):
                return found
            page += 1


class Authors(Crowd):
    """Several visitors who publish until the block ends; a title is used once, whatever became of it."""

    def __init__(self, visitors):
        super().__init__(self._write, list(enumerate(visitors)))
        self.published, self.answers = {}, {}

    def count(self):
        with self.lock:
            return len(self.published)

    def _write(self, number, visitor):
        turn = 0
        while not self.ending.is_set():
            turn += 1
            title = f"author {number} post {turn}"
            try:
                post, answer = visitor.publish(title)
            except (OSError, http.client.HTTPException) as error:
                post, answer = None, type(error).__name__
            with self.lock:
                self.answers[answer] = self.answers.get(answer, 0) + 1
                if post is not None:
                    self.published[title] = post
                    self.times.append(time.monotonic())
            if post is None:
                time.sleep(0.01)
