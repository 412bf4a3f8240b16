#include <algorithm>

#include "base/json.h"
#include "net/http_server.h"

namespace swb::net {

namespace {
char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool equalIgnoringCase(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}
}  // namespace

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (equalIgnoringCase(key, name)) return value;
    }
    return {};
}

std::string_view HttpRequest::parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return {};
}

HttpResponse HttpResponse::error(const Error& error) {
    return HttpResponse::error(httpStatus(error.code), error);
}

HttpResponse HttpResponse::error(int status, const Error& error) {
    HttpResponse response;
    response.status = status;
    response.body = toText(JsonObject{{"error", errorToJson(error)}}) + "\n";
    return response;
}

}  // namespace swb::net
