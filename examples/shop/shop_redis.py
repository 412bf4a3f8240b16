"""The shop's orders in Redis: a list of them, and how often each tag was seen.

An order's number is its place in the list; the list only grows.
"""

import datetime
import json

import redis

from shop_stores import DatabaseTrouble, first_line

SECONDS = 3  # a visitor waits no longer than this
ORDERS, TAGS, SHIPPED = "shop:orders", "shop:tags", "shop:shipped"


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


class RedisStore:
    engine = "redis"

    def __init__(self, access, name, connections):
        self.name, self.connections = name, connections
        self.use(access)

    def use(self, access):
        # No retries: a command whose answer was lost may have been carried out. A connection that the server closed
        # meanwhile is noticed, and replaced, before anything is sent on it.
        self.client = redis.Redis(connection_pool=redis.BlockingConnectionPool(
            max_connections=self.connections, timeout=SECONDS, host=access.host, port=access.port, username=access.user,
            password=access.password, client_name=self.name, socket_connect_timeout=SECONDS, socket_timeout=SECONDS,
            decode_responses=True))

    def run(self, work, writes=False):
        try:
            return work(self.client)
        except redis.ResponseError as error:
            raise DatabaseTrouble(first_line(error)) from error  # the server said no
        except redis.RedisError as error:
            raise DatabaseTrouble(first_line(error), "unknown" if writes else "not written") from error

    def prepare(self):
        answer = self.run(lambda client: client.execute_command("HELLO"))  # names and values, in turn; needs no right
        return "writable" if answer[answer.index("role") + 1] == "master" else "read-only"

    def take(self, order, site):
        tag, product, quantity, _, customer = order
        text = json.dumps({"tag": tag, "product": product, "quantity": quantity, "customer": customer, "site": site,
                           "createdAt": now(), "shippedAt": None})

        def work(client):
            with client.pipeline(transaction=True) as both:
                both.rpush(ORDERS, text)
                if tag:
                    both.hincrby(TAGS, tag, 1)
                return both.execute()[0]

        return self.run(work, writes=True)

    def after(self, number, limit):
        texts = self.run(lambda client: client.lrange(ORDERS, number, number + limit - 1))
        return [{"id": number + 1 + at, **json.loads(text)} for at, text in enumerate(texts)]

    def last(self, limit):
        count = self.run(lambda client: client.llen(ORDERS))
        return self.after(max(0, count - limit), limit)[::-1], count

    def count(self):
        orders, times = self.run(lambda client: (client.llen(ORDERS), client.hvals(TAGS)))
        return {"orders": orders, "tags": len(times), "doubled": sum(map(int, times)) - len(times)}

    def ship(self, limit):
        done = int(self.run(lambda client: client.get(SHIPPED)) or 0)
        waiting = self.after(done, limit)

        def work(client):
            with client.pipeline(transaction=True) as all_of_them:
                for order in waiting:
                    place = order.pop("id") - 1
                    all_of_them.lset(ORDERS, place, json.dumps({**order, "shippedAt": now()}))
                all_of_them.set(SHIPPED, done + len(waiting))
                all_of_them.execute()

        if waiting:
            self.run(work, writes=True)
        return len(waiting)
