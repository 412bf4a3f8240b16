#include "publication/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <memory>

namespace swb::publication {
namespace {

constexpr size_t headersMax = 100;
constexpr size_t headerBytesMax = 8 << 10;

struct Transfer {
    const HttpSettings& settings;
    HttpReply reply;
    curl_slist* headers = nullptr;
    char errorText[CURL_ERROR_SIZE] = {};
    bool tooLarge = false;

    explicit Transfer(const HttpSettings& with) : settings(with) {}
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() { curl_slist_free_all(headers); }

    static size_t onBody(char* bytes, size_t one, size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        if (transfer.reply.body.size() + one * count > transfer.settings.answerBytesMax) {
            transfer.tooLarge = true;
            return 0;
        }
        transfer.reply.body.append(bytes, one * count);
        return one * count;
    }

    static size_t onHeader(char* bytes, size_t one, size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        const std::string_view line(bytes, one * count);
        // A new status line (after 100 Continue) begins anew.
        if (line.starts_with("HTTP/")) transfer.reply.headers.clear();
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || line.size() > headerBytesMax) return line.size();
        if (transfer.reply.headers.size() >= headersMax) return line.size();
        std::string name(line.substr(0, colon));
        for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        std::string_view value = line.substr(colon + 1);
        while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
        while (!value.empty() && std::string_view(" \t\r\n").find(value.back()) != std::string_view::npos)
            value.remove_suffix(1);
        transfer.reply.headers[name] = std::string(value);
        return line.size();
    }

    static int onProgress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
        const auto* stop = static_cast<Transfer*>(self)->settings.stop;
        return stop && stop->load() ? 1 : 0;
    }
};

struct CloseHandle {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

void prepare(CURL* easy, const HttpSettings& settings, const HttpRequest& request, Transfer& transfer) {
    curl_easy_setopt(easy, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https,http");  // the model lets http through for loopback only
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "swingd/" SWB_VERSION);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(settings.timeoutMs));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.timeoutMs / 2));
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.errorText);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::onBody);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::onHeader);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, &Transfer::onProgress);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    if (!settings.authorityPem.empty()) {
        curl_blob authority{const_cast<char*>(settings.authorityPem.data()), settings.authorityPem.size(),
                            CURL_BLOB_COPY};
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authority);
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);
    }
    if (!request.body.empty() || request.method != "GET") {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    }
    const auto header = [&transfer](const std::string& text) {
        transfer.headers = curl_slist_append(transfer.headers, text.c_str());
    };
    header("Expect:");
    for (const auto& [name, value] : request.headers) header(name + ": " + value);
    for (const auto& [name, value] : request.secretHeaders) header(name + ": " + value.reveal());
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
}

// Scheme and host: what a message may show of a URL.
std::string shownUrl(const std::string& url) {
    const size_t slash = url.find('/', url.find("://") + 3);
    return url.substr(0, slash);
}

bool hasControl(const std::string& text) {
    for (const unsigned char c : text)
        if (c < 0x20 || c == 0x7f) return true;
    return false;
}

}  // namespace

std::string HttpReply::header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
}

Result<HttpReply> sendHttp(const HttpSettings& settings, const HttpRequest& request) {
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    const std::unique_ptr<CURL, CloseHandle> easy(curl_easy_init());
    if (!ready || !easy) return fail(ErrorCode::Bug, "libcurl cannot be set up");
    for (const auto& [name, value] : request.secretHeaders)
        if (hasControl(value.reveal()))
            return fail(ErrorCode::InvalidInput, "the credential contains a line end or another control character",
                        "set it again, one line");
    Transfer transfer(settings);
    prepare(easy.get(), settings, request, transfer);
    const CURLcode code = curl_easy_perform(easy.get());
    long status = 0, sentBytes = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(easy.get(), CURLINFO_REQUEST_SIZE, &sentBytes);
    transfer.reply.status = static_cast<int>(status);
    if (code == CURLE_OK) return std::move(transfer.reply);
    const std::string where = shownUrl(request.url);
    const std::string why = transfer.tooLarge       ? "its answer is too large"
                            : transfer.errorText[0] ? transfer.errorText
                                                    : curl_easy_strerror(code);
    if (sentBytes == 0)
        return fail(ErrorCode::Unreachable, where + " cannot be reached: " + why,
                    "is the network there, and the address right?");
    return fail(ErrorCode::OutcomeUnknown, where + " did not answer the request: " + why);
}

Result<HttpReply> readHttp(const HttpSettings& settings, const HttpRequest& request) {
    auto reply = sendHttp(settings, request);
    if (!reply && reply.error().code == ErrorCode::OutcomeUnknown)
        return fail(ErrorCode::DeadlineExceeded, reply.error().message);
    return reply;
}

std::string urlEncoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '_' || c == '.' || c == '~';
        if (plain)
            out += c;
        else
            out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

Error errorOfStatus(const HttpReply& reply, const std::string& what, const std::string& text) {
    std::string said;
    for (const char c : text.substr(0, 300)) said += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    const std::string sentence =
        what + " was answered with status " + std::to_string(reply.status) + (said.empty() ? "" : ": " + said);
    switch (reply.status) {
        case 401:
            return {ErrorCode::Unauthenticated, sentence, "set the publication's credential again"};
        case 403:
            return {ErrorCode::Forbidden, sentence, "the credential must be allowed to change this name"};
        case 404:
            return {ErrorCode::NotFound, sentence, "check the publication's zone and endpoint"};
        case 409:
        case 412:
            return {ErrorCode::Conflict, sentence};
        case 429: {
            const std::string after = reply.header("retry-after");
            return {ErrorCode::Busy, sentence,
                    after.empty() ? "" : "it asks for a pause of " + after.substr(0, 40) + " s"};
        }
        default:
            // A gateway's word says nothing about what happened behind it.
            if (reply.status >= 500) return {ErrorCode::OutcomeUnknown, sentence};
            return {ErrorCode::NotDone, sentence};
    }
}

}  // namespace swb::publication
