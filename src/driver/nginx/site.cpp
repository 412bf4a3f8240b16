#include "driver/nginx/site.h"

#include <fmt/format.h>

#include <algorithm>

#include "crypto/digest.h"

namespace swb::driver::nginx {
namespace {

constexpr std::string_view generationMark = "@GENERATION@";
constexpr std::string_view generationComment = "# Generation: ";

struct Listen {
    HostPort address;  // host empty: every IPv4 address
    bool tls = false;
};

std::vector<Listen> listensOf(const WebSpec& web, AddressKind addressKind) {
    std::vector<Listen> listens;
    for (const std::string& text : web.listen) {
        Listen listen;
        if (const auto full = parseHostPort(text)) {
            listen.address = *full;
        } else if (const auto port = parseHostPort("0.0.0.0:" + text)) {
            listen.address.port = port->port;
            if (addressKind == AddressKind::local) listen.address.host = web.address;
        }
        // Port 80 stays plain HTTP also where there is a certificate: redirecting from it is the application's choice.
        listen.tls = !web.certificate.empty() && listen.address.port != 80;
        listens.push_back(listen);
    }
    return listens;
}

std::string textOf(const Listen& listen) {
    std::string where = std::to_string(listen.address.port);
    if (!listen.address.host.empty()) where = listen.address.text();
    return where + (listen.tls ? " ssl http2" : "");
}

std::string renderVariables(const std::string& token, const MaintenanceSpec& maintenance) {
    std::string networks;
    for (const std::string& network : maintenance.bypassAddresses) networks += fmt::format("    {} 1;\n", network);
    std::string cookie;
    // A regular expression, because a plain string of a map is compared without regard to case.
    if (!maintenance.bypassCookie.empty()) cookie = fmt::format("    \"~^{}$\" 1;\n", maintenance.bypassCookie);
    return fmt::format(R"(geo $swb_address_{0} {{
    default 0;
{1}}}
map $cookie_{3} $swb_cookie_{0} {{
    default 0;
{2}}}
# 1: shown the page in maintenance. Swingbridge's own probe always is, wherever it comes from.
map "$http_swingbridge_probe/$swb_cookie_{0}$swb_address_{0}" $swb_refuse_{0} {{
    default 1;
    "~^/(1.|.1)$" 0;
}}
map $http_upgrade $swb_upgrade_{0} {{
    default upgrade;
    "" "";
}}
)",
                       token, networks, cookie, bypassCookieName);
}

// A request is counted from its head to the end of its answer, over all workers, those too that a reload has told to
// end. The key of what is not counted is empty.
std::string renderCount(const std::string& token) {
    return fmt::format(R"(map $http_upgrade $swb_flight_{0} {{
    default "";
    "" 1;
}}
limit_conn_zone $swb_flight_{0} zone=swb_flight_{0}:1m;
)",
                       token);
}

// The flag is an empty file, and there whenever this is asked.
std::string renderIdleLocation(const std::string& application, const std::string& token, const Layout& layout) {
    return fmt::format(R"(
    location = /.swingbridge/{2}{3} {{
        access_log off;
        limit_conn swb_flight_{0} 1;
        limit_conn_status 429;
        limit_conn_log_level info;
        alias "{1}";
    }}
)",
                       token, layout.flagFile(application), generationMark, idlePath);
}

std::string renderServerHead(const WebSpec& web, AddressKind addressKind) {
    std::string out;
    for (const Listen& listen : listensOf(web, addressKind)) out += fmt::format("    listen {};\n", textOf(listen));
    if (!web.serverName.empty()) out += fmt::format("    server_name {};\n", web.serverName);
    if (!web.certificate.empty())
        out += fmt::format(
            "    ssl_certificate \"{}\";\n    ssl_certificate_key \"{}\";\n    ssl_protocols TLSv1.2 TLSv1.3;\n"
            "    ssl_session_cache shared:swingbridge_tls:2m;\n",
            web.certificate, web.key);
    // Maintenance must be seen at once (no cache of file look-ups) and for every request (no early 413).
    out += "    client_max_body_size 1g;\n    open_file_cache off;\n";
    return out;
}

// 599 is a status that nothing else in nginx produces: a limiter's 503 must not look like maintenance.
std::string renderLocations(std::string_view application, const std::string& token, const Layout& layout,
                            const MaintenanceSpec& maintenance) {
    const bool counts = maintenance.drainMs > 0;
    const std::string count = fmt::format(
        "        limit_conn swb_flight_{} 65535;\n        limit_conn_dry_run on;\n        limit_conn_log_level info;\n",
        token);
    return fmt::format(R"(
    location = /.swingbridge/{3} {{
        access_log off;
        return 204;
    }}
    location = /.swingbridge/{3}/maintenance {{
        internal;
        alias "{2}";
        types {{ }}
        default_type text/html;
        charset utf-8;
        etag off;
        add_header Swingbridge-Maintenance page always;
        add_header Retry-After {4} always;
        add_header Cache-Control no-store always;
    }}
    location / {{
        set $swb_closed_{0} 0;
        if ( -f "{1}" ) {{ set $swb_closed_{0} $swb_refuse_{0}; }}
        if ($swb_closed_{0}) {{ return 599; }}
        error_page 599 =503 /.swingbridge/{3}/maintenance;
{6}
        proxy_pass http://swingbridge-{5};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $swb_upgrade_{0};
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_connect_timeout 2s;
        proxy_send_timeout 60s;
        proxy_read_timeout 60s;
    }}
)",
                       token, layout.flagFile(application), layout.pageFile(application), generationMark,
                       maintenance.retryAfterSeconds, application, counts ? count : "") +
           (counts ? renderIdleLocation(std::string(application), token, layout) : "");
}

void replaceAll(std::string& text, std::string_view what, std::string_view with) {
    for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
        text.replace(at, what.size(), with);
}

}  // namespace

std::string variableToken(std::string_view application) {
    // Literal tokens are shorter than hashed ones, so the two never meet; names have no '_', so replacing '-' keeps
    // different names different.
    constexpr size_t longest = 28, kept = 19;
    std::string token(application.substr(0, application.size() < longest ? application.size() : kept));
    std::replace(token.begin(), token.end(), '-', '_');
    if (application.size() >= longest) token += "_" + crypto::sha256Hex(application).substr(0, 8);
    return token;
}

Site renderSite(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance,
                const Layout& layout, AddressKind addressKind) {
    const std::string token = variableToken(application);
    Site site;
    site.text = fmt::format(
        "# The web front of application {0}, written by Swingbridge: changes here are overwritten.\n"
        "{1}{2}\n\n"
        "upstream swingbridge-{0} {{\n    server {3} max_fails=0;\n    keepalive 64;\n    keepalive_timeout 10s;\n}}\n",
        application, generationComment, generationMark, web.upstream.text());
    site.text += renderVariables(token, maintenance);
    if (maintenance.drainMs > 0) site.text += renderCount(token);
    site.text += "server {\n" + renderServerHead(web, addressKind) +
                 renderLocations(application, token, layout, maintenance) + "}\n";
    const std::string generation = crypto::sha256Hex(site.text).substr(0, 32);
    replaceAll(site.text, generationMark, generation);
    site.generationPath = "/.swingbridge/" + generation;
    return site;
}

std::vector<std::string> conflictWarnings(const WebSpec& web, AddressKind addressKind) {
    std::vector<std::string> warnings;
    for (Listen& listen : listensOf(web, addressKind)) {
        if (listen.address.host.empty()) listen.address.host = "0.0.0.0";
        warnings.push_back(
            fmt::format("conflicting server name \"{}\" on {}, ignored", web.serverName, listen.address.text()));
    }
    return warnings;
}

std::string generationPathOf(std::string_view siteText) {
    const size_t at = siteText.find(generationComment);
    if (at == std::string_view::npos) return {};
    const std::string_view generation = siteText.substr(at + generationComment.size(), 32);
    if (generation.find_first_not_of("0123456789abcdef") != std::string_view::npos) return {};
    return "/.swingbridge/" + std::string(generation);
}

std::string renderMain(const Layout& layout, std::string_view workerUser) {
    const std::string& directory = layout.directory;
    return fmt::format(
        R"(# nginx as Swingbridge runs it itself. It is written once: adapt it as you like, and keep the include and the pid.
{1}worker_processes auto;
pid "{0}/nginx.pid";
lock_file "{0}/nginx.lock";
error_log "{0}/error.log" warn;
worker_shutdown_timeout 30s;
events {{
    worker_connections 1024;
}}
http {{
    default_type application/octet-stream;
    access_log off;
    server_tokens off;
    keepalive_timeout 65s;
    client_body_temp_path "{0}/temp/body";
    proxy_temp_path "{0}/temp/proxy";
    fastcgi_temp_path "{0}/temp/fastcgi";
    uwsgi_temp_path "{0}/temp/uwsgi";
    scgi_temp_path "{0}/temp/scgi";
    include "{2}/*.conf";
}}
)",
        directory, workerUser.empty() ? std::string() : fmt::format("user {};\n", workerUser), layout.siteDirectory);
}

HostPort probeTarget(const WebSpec& web, AddressKind addressKind) {
    const std::vector<Listen> listens = listensOf(web, addressKind);
    HostPort target{addressKind == AddressKind::local ? web.address : "127.0.0.1", 0};
    if (listens.empty()) return target;
    const HostPort& first = listens.front().address;
    target.port = first.port;
    if (!first.host.empty() && first.host != "0.0.0.0" && first.host != "::") target.host = first.host;
    return target;
}

std::string probeOrigin(const WebSpec& web, const HostPort& target) {
    HostPort named{web.serverName.empty() || web.serverName == "_" ? target.host : web.serverName, target.port};
    if (named.host.starts_with("*.")) named.host = "www" + named.host.substr(1);
    const bool tls = !web.certificate.empty() && target.port != 80;
    return (tls ? "https://" : "http://") + named.text();
}

}  // namespace swb::driver::nginx
