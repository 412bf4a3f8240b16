// Where everything of one nginx lies, and which words of a definition may go into its configuration. nginx's syntax has
// no escape that is safe everywhere ('$' cannot be quoted at all), so what could mean anything to it is refused.
//
//   direct    <directory of service.config>/   nginx.conf (generated when there is none), nginx.pid, error.log, temp/,
//                                              sites/swingbridge-<application>.conf, maintenance/
//   systemd   service.config (default /etc/nginx/conf.d)/swingbridge-<application>.conf,
//             service.data (default /var/lib/swingbridge/nginx) for flags and pages
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/application.h"

namespace swb::driver::nginx {

struct Layout {
    bool direct = true;
    std::string program;     // absolute path of nginx
    std::string directory;   // direct: where the main configuration lies
    std::string mainConfig;  // direct only
    std::string siteDirectory;
    std::string dataDirectory;  // flags and pages; read by nginx's workers
    std::string unit;           // systemd only
    std::string runAs;          // direct, as root: user of the workers; empty: chosen

    std::string siteFile(std::string_view application) const;
    std::string flagFile(std::string_view application) const;
    std::string pageFile(std::string_view application) const;
    std::string pidFile() const { return directory + "/nginx.pid"; }
};

Result<Layout> layoutOf(const WebSpec& web);

// Everything of the definition that is written into the configuration, checked again here: the driver does not rely on
// who parsed it.
Result<void> checkWords(std::string_view application, const WebSpec& web, const MaintenanceSpec& maintenance);
// A path that may stand in nginx's double quotes: absolute, without quotes, '$', braces, ';', '\' or control
// characters.
bool isConfigurationPath(std::string_view path);
// "host.example", "*.host.example" or "_".
bool isServerName(std::string_view name);
// "10.0.0.1", "10.0.0.0/8", "2001:db8::/32", the prefix within its family's bounds.
bool isNetwork(std::string_view text);

}  // namespace swb::driver::nginx
