// How one front of an nginx is asked: where to connect, and as whom the visitor would name it.
#pragma once

#include "driver/nginx/site.h"
#include "driver/support/http_probe.h"

namespace swb::driver::nginx {

AddressKind addressKind(const std::string& address);

struct Target {
    HostPort connectTo;
    std::string origin;

    explicit Target(const WebSpec& web);
    HttpRequest request(std::string_view path, int64_t timeoutMs) const;
};

}  // namespace swb::driver::nginx
