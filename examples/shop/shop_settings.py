"""The shop's settings, for the web server and the worker.

They come from the environment. On SIGHUP they are read again from the file that SWINGBRIDGE_ENVIRONMENT_FILE names.
"""

import os
from typing import NamedTuple

PREFIXES = {"postgresql": "POSTGRESQL", "mariadb": "MYSQL", "redis": "REDIS"}  # in the order orders are written


class Access(NamedTuple):
    """Where a database is, and as whom to use it."""
    host: str
    port: int
    database: str
    user: str
    password: str


class Settings:
    def __init__(self, values):
        self.failover_status = values.get("FAILOVER_STATUS", "none")
        self.site = values.get("SHOP_SITE", "") or values.get("SITE", "") or os.uname().nodename
        present = [engine for engine, prefix in PREFIXES.items() if values.get(prefix + "_ADDRESS")]
        self.databases = {engine: access(values, PREFIXES[engine]) for engine in present or ["postgresql"]}


def access(values, prefix):
    host, _, port = values.get(prefix + "_ADDRESS", "127.0.0.1:5432").rpartition(":")
    return Access(host.strip("[]"), int(port), values.get(prefix + "_DATABASE", "shop"),
                  values.get(prefix + "_USERNAME", "shop"), values.get(prefix + "_PASSWORD", ""))


def read_settings():
    values = dict(os.environ)
    path = values.get("SWINGBRIDGE_ENVIRONMENT_FILE")
    if path:
        try:
            with open(path, encoding="utf-8") as file:
                values.update(parse_environment_file(file.read()))
        except OSError:
            pass  # what we were started with is still true
    return Settings(values)


def parse_environment_file(text):
    """KEY=value lines; values in double quotes may hold backslash escapes and line ends (systemd's EnvironmentFile)."""
    values, at = {}, 0
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        equals = text.find("=", at, end)
        if equals < 0 or text[at] in "#;":
            at = end + 1
            continue
        name, value, at = text[at:equals].strip(), [], equals + 1
        if text[at:at + 1] != '"':
            values[name], at = text[at:end].strip(), end + 1
            continue
        at += 1
        while at < len(text) and text[at] != '"':
            if text[at] == "\\" and at + 1 < len(text) and text[at + 1] in '"\\$`':
                at += 1
            value.append(text[at])
            at += 1
        values[name] = "".join(value)
        following = text.find("\n", at)
        at = len(text) if following < 0 else following + 1
    return values
