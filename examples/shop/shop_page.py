"""The shop's one HTML page."""

from html import escape

CATALOGUE = [
    ("lantern", "Storm lantern", 3490, "Burns through any night at sea."),
    ("rope", "Manila rope, 20 m", 2150, "Three strands, tarred."),
    ("compass", "Brass compass", 5900, "Points the way, also when the site has moved."),
    ("tea", "Black tea, 250 g", 1290, "Second flush."),
    ("boots", "Deck boots", 8900, "Dry feet from size 36 to 48."),
    ("whistle", "Boatswain's whistle", 990, "Heard on both shores."),
]
PRICES = {key: price for key, _, price, _ in CATALOGUE}

STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1c2430; --soft: #5a6675; --line: #d9dee5;
  --accent: #0b5cad; --good: #0a6b3d; --bad: #a3201b; }
@media (prefers-color-scheme: dark) { :root { --ground: #10151c; --card: #18202a; --text: #e8edf3; --soft: #a3b0bf;
  --line: #2c3744; --accent: #79b0ff; --good: #5fd39a; --bad: #ff8f88; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header, main { max-width: 62rem; margin: 0 auto; padding: 1.25rem; }
header { display: flex; flex-wrap: wrap; gap: .75rem; align-items: baseline; justify-content: space-between; }
h1 { margin: 0; } h2 { margin: 0 0 .75rem; font-size: 1.2rem; }
section { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding: 1.25rem;
  margin-bottom: 1.25rem; }
.badge { border: 1px solid var(--line); border-radius: 1rem; padding: .15rem .7rem; font-size: .9rem; }
.online { color: var(--good); } .offline { color: var(--bad); }
ul.goods { list-style: none; margin: 0; padding: 0; display: grid; gap: .75rem;
  grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr)); }
ul.goods li { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem; }
ul.goods p { margin: .25rem 0 0; color: var(--soft); font-size: .925rem; }
form { display: flex; flex-wrap: wrap; gap: .75rem; align-items: end; }
label { display: grid; gap: .25rem; font-size: .925rem; }
input, select, button { font: inherit; padding: .45rem .6rem; border-radius: .4rem; border: 1px solid var(--line);
  background: var(--ground); color: var(--text); }
button { background: var(--accent); color: var(--card); border-color: transparent; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { width: 100%; border-collapse: collapse; } th, td { text-align: left; padding: .35rem .5rem;
  border-bottom: 1px solid var(--line); } td.number { text-align: right; font-variant-numeric: tabular-nums; }
.trouble { color: var(--bad); }
"""


def money(cents):
    return f"€ {cents // 100}.{cents % 100:02d}"


def goods():
    return "".join(f"<li><strong>{escape(name)}</strong> · {money(price)}<p>{escape(text)}</p></li>"
                   for _, name, price, text in CATALOGUE)


def choices():
    return "".join(f'<option value="{escape(key)}">{escape(name)}</option>' for key, name, _, _ in CATALOGUE)


def last_orders(orders, trouble):
    if trouble:
        return f'<p class="trouble" role="status">Orders cannot be shown now: {escape(trouble)}</p>'
    if not orders:
        return "<p>No orders yet.</p>"
    rows = "".join(
        f'<tr><td class="number">{order["id"]}</td><td>{escape(order["product"])}</td>'
        f'<td class="number">{order["quantity"]}</td><td>{escape(order["customer"])}</td>'
        f'<td>{escape(order["site"])}</td><td>{escape(order["createdAt"][:19].replace("T", " "))}</td>'
        f'<td>{"shipped" if order["shippedAt"] else "waiting"}</td></tr>' for order in orders)
    return ("<table><thead><tr><th>No.</th><th>Product</th><th>Pieces</th><th>Customer</th><th>Taken at</th>"
            f"<th>When (UTC)</th><th>State</th></tr></thead><tbody>{rows}</tbody></table>")


def render(settings, orders, count, trouble):
    status = escape(settings.failover_status)
    total = "" if trouble else f" · {count} orders so far"
    return f"""<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>The Chandlery</title><style>{STYLE}</style></head>
<body>
<header><h1>The Chandlery</h1>
<span class="badge">site <strong>{escape(settings.site)}</strong> · failover status
<strong class="{status}">{status}</strong>{total}</span></header>
<main>
<section aria-labelledby="goods"><h2 id="goods">Goods</h2><ul class="goods">{goods()}</ul></section>
<section aria-labelledby="order"><h2 id="order">Order</h2>
<form method="post" action="/orders">
<label>Product <select name="product">{choices()}</select></label>
<label>Pieces <input name="quantity" type="number" min="1" max="99" value="1" required></label>
<label>Your name <input name="customer" maxlength="100" required autocomplete="name"></label>
<button>Order</button>
</form></section>
<section aria-labelledby="last"><h2 id="last">Last orders</h2>{last_orders(orders, trouble)}</section>
</main>
</body>
</html>
"""
