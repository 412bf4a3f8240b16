#!/usr/bin/python3
"""Ships the shop's orders: a process that writes, so it runs at the current site only and stops in maintenance."""

import os
import signal
import sys
import threading

sys.dont_write_bytecode = True  # the code's directory stays as it was deployed

from shop_settings import read_settings
from shop_stores import DatabaseTrouble, open_stores

BATCH = 50
PAUSE_SECONDS = 0.2


def ship(stores, trouble_before, stop):
    """In every database; whether more is waiting. Troubles are said once, not with every attempt."""
    more = False
    for store in stores:
        if stop.is_set():  # maintenance waits for this process to end
            return False
        trouble = ""
        try:
            more = store.ship(BATCH) == BATCH or more
        except DatabaseTrouble as error:
            trouble = str(error)
        if trouble and trouble != trouble_before.get(store.engine):
            print(f"shop worker: {store.engine}: {trouble}", file=sys.stderr, flush=True)
        trouble_before[store.engine] = trouble
    return more


def main():
    stop, read_again = threading.Event(), threading.Event()
    stores = open_stores(read_settings(), "shop-worker", connections=1)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: read_again.set())
    print(f"shop worker: shipping from {', '.join(store.engine for store in stores)}", flush=True)
    trouble = {}
    while not stop.is_set():
        if read_again.is_set():
            read_again.clear()
            settings = read_settings()
            for store in stores:
                if store.engine in settings.databases:
                    store.use(settings.databases[store.engine])
        if not ship(stores, trouble, stop):
            stop.wait(PAUSE_SECONDS)
    # Maintenance waits for this process, and users for maintenance: what the interpreter would take apart, module by
    # module, ends with the process as well.
    os._exit(0)


if __name__ == "__main__":
    main()
