#!/usr/bin/python3
"""Ships the shop's orders: a process that writes, so it runs at the current site only and stops in maintenance."""

import signal
import sys
import threading

sys.dont_write_bytecode = True  # the code's directory stays as it was deployed

from shop_database import DatabaseTrouble, Pool, read_settings

BATCH = 50
PAUSE_SECONDS = 0.2


def ship(cursor):
    cursor.execute("UPDATE orders SET shipped_at = now() WHERE id IN (SELECT id FROM orders WHERE shipped_at IS NULL "
                   "ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED)", (BATCH,))
    return cursor.rowcount


def main():
    stop, read_again = threading.Event(), threading.Event()
    pool = Pool(read_settings(), "shop-worker", size=1)
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    signal.signal(signal.SIGHUP, lambda *_: read_again.set())
    print("shop worker: shipping", flush=True)
    trouble_before = ""
    while not stop.is_set():
        trouble = ""
        if read_again.is_set():
            read_again.clear()
            pool.replace_settings(read_settings())
        try:
            shipped = pool.run(ship)
        except DatabaseTrouble as error:
            shipped, trouble = 0, str(error)
        if trouble and trouble != trouble_before:
            print(f"shop worker: {trouble}", file=sys.stderr, flush=True)
        trouble_before = trouble
        if shipped < BATCH:
            stop.wait(PAUSE_SECONDS)


if __name__ == "__main__":
    main()
