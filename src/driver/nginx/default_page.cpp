#include "driver/nginx/site.h"

namespace swb::driver::nginx {

std::string defaultPage() {
    return R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Back in a moment</title>
<style>
:root { color-scheme: light dark; --ground: #f6f7f9; --card: #fff; --text: #1c2430; --soft: #5a6675; --accent: #1f6feb; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #10151c; --card: #18202a; --text: #e8edf3; --soft: #a3b0bf; --accent: #79b0ff; }
}
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; background: var(--ground);
  color: var(--text); font: 1.0625rem/1.6 system-ui, sans-serif; }
main { max-width: 34rem; padding: 2.5rem; background: var(--card); border-radius: 1rem;
  box-shadow: 0 1px 3px rgb(0 0 0 / .12), 0 12px 32px rgb(0 0 0 / .08); }
svg { display: block; width: 3.5rem; height: 3.5rem; margin-bottom: 1rem; color: var(--accent); }
h1 { margin: 0 0 .75rem; font-size: 1.75rem; line-height: 1.25; }
p { margin: 0 0 1rem; }
.soft { margin: 0; color: var(--soft); font-size: .9375rem; }
a { color: var(--accent); }
a:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; border-radius: 2px; }
</style>
</head>
<body>
<main>
<svg viewBox="0 0 48 48" fill="none" stroke="currentColor" stroke-width="3" stroke-linecap="round" aria-hidden="true">
<path d="M5 33h38M11 33V15m26 18V15M5 25c4-1 6-5 6-10 2 9 7 12 13 12s11-3 13-12c0 5 2 9 6 10M19 26.5V33m10-6.5V33"/>
</svg>
<h1>Back in a moment</h1>
<p>This service is in maintenance for a short time. Nothing you did before has been lost.</p>
<p><a href="">Try again</a></p>
<p class="soft">If you were sending a form, wait a little, go back in your browser and send it again: it has not been
accepted yet.</p>
</main>
</body>
</html>
)";
}

}  // namespace swb::driver::nginx
