// One HTTP request, asked for what the answer looks like from the outside: of a web front, or of a process's health
// URL. It talks only to this server's own addresses, so certificates are not verified (a front reached by its address
// cannot present a name for it), proxies from the environment are ignored and redirections are not followed.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "model/address.h"

namespace swb::driver {

struct HttpRequest {
    std::string url;
    HostPort connectTo;                // where to connect instead of the URL's host; empty: where the URL says
    std::vector<std::string> headers;  // "Name: value"
    int64_t timeoutMs = 1000;          // for everything, the connection included
};

struct HttpAnswer {
    int status = 0;                              // 0: no answer
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;                            // the first 64 KiB
    double milliseconds = 0;
    std::string error;  // why there was no answer

    bool has(const std::string& header) const { return headers.count(header) > 0; }
    bool successful() const { return status >= 200 && status < 300; }
};

// Keeps what is dear to set up (TLS context, name cache) between requests; each request is a new connection, as a
// visitor's first one would be. Not for use by two threads at once.
class HttpProbe {
  public:
    HttpProbe();
    ~HttpProbe();
    HttpProbe(const HttpProbe&) = delete;
    HttpProbe& operator=(const HttpProbe&) = delete;

    HttpAnswer get(const HttpRequest& request);

  private:
    void* handle_ = nullptr;
};

}  // namespace swb::driver
