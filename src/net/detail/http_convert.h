// Between Beast's messages and this module's plain ones.
#pragma once

#include <optional>
#include <string>

#include "net/detail/asio.h"
#include "net/http_server.h"

namespace swb::net::detail {

Result<HttpRequest> toRequest(http::request<http::string_body> message, const std::string& remoteAddress,
                              const std::optional<std::string>& clientCertificateName);
// Status line and fields, without a length.
http::response<http::empty_body> toHeader(const HttpResponse& response, bool keepAlive);
// The answer to a request that could not be read; none when the connection is no more.
std::optional<HttpResponse> refusalOf(const IoError& error, const HttpServerSettings& settings);

}  // namespace swb::net::detail
