#include "net/detail/http_convert.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/log.h"
#include "net/detail/target.h"

namespace swb::net::detail {

namespace {
std::string httpDate() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    gmtime_r(&now, &parts);
    char text[40];
    const size_t length = std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return {text, length};
}

bool isFieldValue(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; });
}

std::string text(beast::string_view view) {
    return {view.data(), view.size()};
}
}  // namespace

Result<HttpRequest> toRequest(http::request<http::string_body> message, const std::string& remoteAddress,
                              const std::optional<std::string>& clientCertificateName) {
    HttpRequest request;
    request.method = text(message.method_string());
    request.target = text(message.target());
    auto target = TRY(parseTarget(request.target));
    request.path = std::move(target.path);
    request.query = std::move(target.query);
    for (const auto& field : message) request.headers.emplace_back(text(field.name_string()), text(field.value()));
    request.body = std::move(message.body());
    request.remoteAddress = remoteAddress;
    request.clientCertificateName = clientCertificateName;
    return request;
}

http::response<http::empty_body> toHeader(const HttpResponse& response, bool keepAlive) {
    http::response<http::empty_body> header;
    header.version(11);
    header.result(static_cast<unsigned>(response.status));
    header.set(http::field::date, httpDate());
    header.set(http::field::content_type, response.contentType);
    for (const auto& [name, value] : response.headers) {
        if (isFieldValue(value)) {
            header.insert(name, value);
        } else {
            logError("net", "a response header {} with control characters was left out", name);
        }
    }
    header.keep_alive(keepAlive);
    return header;
}

std::optional<HttpResponse> refusalOf(const IoError& error, const HttpServerSettings& settings) {
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
        return HttpResponse::error(431, Error(ErrorCode::TooLarge, fmt::format("the request's header is over {} bytes",
                                                                               settings.headerBytes)));
    }
    if (error == http::error::body_limit) {
        return HttpResponse::error(
            413, Error(ErrorCode::TooLarge, fmt::format("the request's body is over {} bytes", settings.bodyBytes)));
    }
    const bool gone = error == http::error::end_of_stream || error == http::error::partial_message;
    if (!gone && error.category() == http::make_error_code(http::error::bad_value).category()) {
        return HttpResponse::error(400, Error(ErrorCode::InvalidInput, "this is not HTTP: " + error.message()));
    }
    return std::nullopt;
}

}  // namespace swb::net::detail
