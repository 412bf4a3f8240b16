#include "driver/support/http_probe.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <memory>

#include "base/assert.h"
#include "base/clock.h"

namespace swb::driver {
namespace {

constexpr size_t bodyBytesKept = 64 << 10;
constexpr size_t headersKept = 100;

size_t takeBody(char* data, size_t, size_t size, void* answerPointer) {
    auto& answer = *static_cast<HttpAnswer*>(answerPointer);
    answer.body.append(data, std::min(size, bodyBytesKept - std::min(bodyBytesKept, answer.body.size())));
    return size;
}

size_t takeHeader(char* data, size_t, size_t size, void* answerPointer) {
    auto& answer = *static_cast<HttpAnswer*>(answerPointer);
    const std::string_view line(data, size);
    // A status line begins a new block: what came before it was an interim answer (100).
    if (line.starts_with("HTTP/")) answer.headers.clear();
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos || answer.headers.size() >= headersKept) return size;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) value.remove_prefix(1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) value.remove_suffix(1);
    answer.headers[name] = value;
    return size;
}

struct FreeList {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

HeaderList listOf(const std::vector<std::string>& lines) {
    curl_slist* list = nullptr;
    for (const std::string& line : lines) list = curl_slist_append(list, line.c_str());
    return HeaderList(list);
}

void setCommonOptions(CURL* handle) {
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_USERAGENT, "swingbridge");
    curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(handle, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 0L);
    curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 0L);
    // Reading the system's 140 certificate authorities would cost more than the whole probe.
    curl_easy_setopt(handle, CURLOPT_CAINFO, nullptr);
    curl_easy_setopt(handle, CURLOPT_CAPATH, nullptr);
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, takeBody);
    curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, takeHeader);
}

}  // namespace

HttpProbe::HttpProbe() {
    static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
    SWB_ASSERT(ready == CURLE_OK, "libcurl cannot be initialised");
    handle_ = curl_easy_init();
    SWB_ASSERT(handle_, "libcurl has no memory");
    setCommonOptions(handle_);
}

HttpProbe::~HttpProbe() {
    curl_easy_cleanup(handle_);
}

HttpAnswer HttpProbe::get(const HttpRequest& request) {
    HttpAnswer answer;
    const HeaderList headers = listOf(request.headers);
    HeaderList target;
    if (!request.connectTo.host.empty()) target = listOf({"::" + request.connectTo.text()});
    char problem[CURL_ERROR_SIZE] = {};
    curl_easy_setopt(handle_, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(handle_, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(handle_, CURLOPT_CONNECT_TO, target.get());
    curl_easy_setopt(handle_, CURLOPT_TIMEOUT_MS, static_cast<long>(std::max<int64_t>(1, request.timeoutMs)));
    curl_easy_setopt(handle_, CURLOPT_ERRORBUFFER, problem);
    curl_easy_setopt(handle_, CURLOPT_WRITEDATA, &answer);
    curl_easy_setopt(handle_, CURLOPT_HEADERDATA, &answer);
    const double started = preciseMs();
    const CURLcode code = curl_easy_perform(handle_);
    answer.milliseconds = preciseMs() - started;
    long status = 0;
    curl_easy_getinfo(handle_, CURLINFO_RESPONSE_CODE, &status);
    if (code == CURLE_OK) {
        answer.status = static_cast<int>(status);
    } else {
        answer.error = problem[0] ? problem : curl_easy_strerror(code);
    }
    // Nothing of this call's stack stays in the handle.
    for (const CURLoption option : {CURLOPT_HTTPHEADER, CURLOPT_CONNECT_TO, CURLOPT_ERRORBUFFER})
        curl_easy_setopt(handle_, option, nullptr);
    return answer;
}

}  // namespace swb::driver
