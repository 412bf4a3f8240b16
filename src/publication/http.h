// HTTP requests to a provider's API: one at a time, with a deadline, a limit on the answer, verified TLS, no redirects,
// no connection kept (libcurl repeats a request by itself when a kept one turns out dead), credentials in headers only.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/secret.h"

namespace swb::publication {

struct HttpRequest {
    std::string method = "GET";
    std::string url;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::pair<std::string, Secret>> secretHeaders;
    std::string body;
};

struct HttpReply {
    int status = 0;
    std::map<std::string, std::string> headers;  // names in lower case
    std::string body;

    std::string header(const std::string& name) const;
};

struct HttpSettings {
    int64_t timeoutMs = 10'000;
    size_t answerBytesMax = 8 << 20;  // a PowerDNS zone of 40,000 records
    std::string authorityPem;
    const std::atomic<bool>* stop = nullptr;
};

// Unreachable: nothing was sent. OutcomeUnknown: the request went out and no whole answer came back.
Result<HttpReply> sendHttp(const HttpSettings& settings, const HttpRequest& request);
// For requests that only read: OutcomeUnknown becomes DeadlineExceeded.
Result<HttpReply> readHttp(const HttpSettings& settings, const HttpRequest& request);

std::string urlEncoded(std::string_view text);
// What a status that is no success means to the one who asked; `what` names the call, `text` is the answer's own words.
Error errorOfStatus(const HttpReply& reply, const std::string& what, const std::string& text);

}  // namespace swb::publication
