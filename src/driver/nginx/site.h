// The text of nginx's configuration: pure functions of the definition. No line of it changes in a switch: maintenance
// is a file that nginx looks for at each request.
//
// A site carries a generation, a hash of its own text, as a path that answers 204. That is how a reload, which nginx
// performs some time after the signal, is seen to be over, and how an untouched site is known to need none. The path
// cannot be guessed from outside and serves nothing. Below it, `idlePath` answers 2xx in maintenance when no request is
// in flight to the application, and 429 while there are some: nginx counts them by its limit_conn, which never limits.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "driver/nginx/layout.h"

namespace swb::driver::nginx {

constexpr size_t siteBytesMax = 1 << 20;
constexpr std::string_view maintenanceHeader = "swingbridge-maintenance";
constexpr std::string_view probeHeader = "Swingbridge-Probe";  // a request that carries it is never let through
constexpr std::string_view idlePath = "/idle";
constexpr std::string_view bypassCookieName = "swingbridge_bypass";

struct Site {
    std::string text;
    std::string generationPath;
};

// addressIsLocal: whether web.address is one of this server's own; a port alone then listens there only, else (an
// address translated on the way) on every address.
enum class AddressKind { local, translated };

Site renderSite(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance,
                const Layout& layout, AddressKind addressKind);
// nginx's words for "another site has this name on this address", one for each address of the site. It only warns, and
// serves whichever site it read first.
std::vector<std::string> conflictWarnings(const WebSpec& web, AddressKind addressKind);
// The generation path of a site's text; empty when it is not ours.
std::string generationPathOf(std::string_view siteText);
std::string renderMain(const Layout& layout, std::string_view workerUser);
std::string defaultPage();

// Where a probe of this front connects to.
HostPort probeTarget(const WebSpec& web, AddressKind addressKind);
// scheme://host:port, the host as a visitor would name it.
std::string probeOrigin(const WebSpec& web, const HostPort& target);
// Names of variables that are the application's own, short enough for nginx's default hash buckets.
std::string variableToken(std::string_view application);

}  // namespace swb::driver::nginx
