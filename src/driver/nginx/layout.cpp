#include "driver/nginx/layout.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/ids.h"
#include "base/limits.h"
#include "driver/support/program.h"

namespace swb::driver::nginx {
namespace {

constexpr std::string_view defaultSites = "/etc/nginx/conf.d";
constexpr std::string_view defaultData = "/var/lib/swingbridge/nginx";

std::string inDirectory(const std::string& directory, std::string_view application, std::string_view ending) {
    return directory + "/swingbridge-" + std::string(application) + std::string(ending);
}

std::string programOf(const ServiceSpec& service) {
    if (!service.bin.empty()) return service.bin + "/nginx";
    if (const std::string found = findProgram("nginx"); !found.empty()) return found;
    return "/usr/sbin/nginx";  // not in an unprivileged user's PATH
}

bool isUserName(std::string_view text) {
    return text.size() <= 32 && text.front() != '-' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isalnum(c) || c == '_' || c == '-' || c == '.';
           });
}

bool isUnitName(std::string_view text) {
    return text.size() <= 128 && text.front() != '-' && std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return std::isalnum(c) || std::string_view("-_.@:").find(static_cast<char>(c)) != std::string_view::npos;
           });
}

tl::unexpected<Error> bad(std::string what, std::string hint) {
    return fail(ErrorCode::InvalidDefinition, std::move(what), std::move(hint));
}

// Only what is printable survives into a message.
std::string shown(std::string_view text) {
    std::string out(text.substr(0, 60));
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20) c = '?';
    return "'" + out + "'";
}

}  // namespace

std::string Layout::siteFile(std::string_view application) const {
    return inDirectory(siteDirectory, application, ".conf");
}
std::string Layout::flagFile(std::string_view application) const {
    return inDirectory(dataDirectory, application, ".maintenance");
}
std::string Layout::pageFile(std::string_view application) const {
    return inDirectory(dataDirectory, application, ".html");
}

bool isConfigurationPath(std::string_view path) {
    return path.starts_with('/') && path.size() < 1024 && std::none_of(path.begin(), path.end(), [](unsigned char c) {
               return c < 0x20 || c == 0x7f ||
                      std::string_view("\"'\\$;{}`#*?[]").find(static_cast<char>(c)) != std::string_view::npos;
           });
}

bool isServerName(std::string_view name) {
    if (name == "_") return true;
    if (name.starts_with("*.")) name.remove_prefix(2);
    return isHostName(name) || isIpAddress(name);
}

bool isNetwork(std::string_view text) {
    const size_t slash = text.find('/');
    const std::string_view address = text.substr(0, slash);
    if (!isIpAddress(address)) return false;
    if (slash == std::string_view::npos) return true;
    const std::string_view prefix = text.substr(slash + 1);
    if (prefix.empty() || prefix.size() > 3 || prefix.find_first_not_of("0123456789") != std::string_view::npos)
        return false;
    return std::stoi(std::string(prefix)) <= (isIpv4(address) ? 32 : 128);
}

Result<Layout> layoutOf(const WebSpec& web) {
    const ServiceSpec& service = web.service;
    Layout layout;
    layout.program = programOf(service);
    layout.direct = service.manage == Manage::direct;
    if (layout.direct) {
        if (service.config.empty())
            return bad("web.service.config is missing", "name nginx's main configuration file; it is made if need be");
        layout.mainConfig = std::filesystem::path(service.config).lexically_normal();
        layout.directory = std::filesystem::path(layout.mainConfig).parent_path();
        layout.siteDirectory = layout.directory + "/sites";
        layout.dataDirectory = service.data.empty() ? layout.directory + "/maintenance" : service.data;
        layout.runAs = service.runAs;
        if (!layout.runAs.empty() && !isUserName(layout.runAs))
            return bad("web.service.run_as " + shown(layout.runAs) + " is not a user name",
                       "name a user of the server");
    } else if (service.manage == Manage::systemd) {
        layout.siteDirectory = service.config.empty() ? defaultSites : service.config;
        layout.dataDirectory = service.data.empty() ? defaultData : service.data;
        layout.unit = service.unit.empty() ? "nginx.service" : service.unit;
        if (!isUnitName(layout.unit))
            return bad("web.service.unit " + shown(layout.unit) + " is not a unit name", "for example nginx.service");
    } else {
        return bad("web.service.manage must be direct or systemd for nginx", "correct the definition");
    }
    for (const std::string* path : {&layout.siteDirectory, &layout.dataDirectory, &layout.mainConfig})
        if (!path->empty() && !isConfigurationPath(*path))
            return bad("the path " + shown(*path) + " cannot stand in nginx's configuration",
                       "use an absolute path without quotes, '$', '*', '#', ';', braces, brackets or '\\'");
    return layout;
}

Result<void> checkWords(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance) {
    TRY(checkedName("application", application));
    if (!web.serverName.empty() && !isServerName(web.serverName))
        return bad("web.server_name " + shown(web.serverName) + " is not a host name",
                   "use one name such as shop.example, or *.shop.example");
    if (!isHostName(web.upstream.host) && !isIpAddress(web.upstream.host))
        return bad("web.upstream " + shown(web.upstream.host) + " is not a host", "use ADDRESS:PORT");
    if (!isIpAddress(web.address)) return bad("web.address is not an IP address", "correct the definition");
    for (const std::string* path : {&web.certificate, &web.key})
        if (!path->empty() && !isConfigurationPath(*path))
            return bad("the path " + shown(*path) + " cannot stand in nginx's configuration",
                       "move the file to a path without quotes, '$', ';', braces or '\\'");
    for (const std::string& network : maintenance.bypassAddresses)
        if (!isNetwork(network))
            return bad("maintenance.bypass_addresses has " + shown(network) + ", not an address or network",
                       "for example 203.0.113.7 or 10.0.0.0/8");
    const std::string& cookie = maintenance.bypassCookie;
    const bool plain = std::all_of(cookie.begin(), cookie.end(),
                                   [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
    if (!plain || cookie.size() > 128)
        return bad("maintenance.bypass_cookie has characters other than A-Z, a-z, 0-9, '-' and '_'",
                   "choose another value");
    if (maintenance.page.size() > limits::maintenancePageBytes)
        return fail(ErrorCode::TooLarge, "maintenance.page is larger than 256 KiB");
    return {};
}

}  // namespace swb::driver::nginx
