#include "swing/api_client.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include "crypto/tls_context.h"
#include "swing/interrupt.h"

namespace swb::swing {
namespace {

constexpr size_t answerBytesMax = 32 << 20;  // a thousand runs with their steps fit
constexpr long connectTimeoutMs = 10'000;
constexpr long requestTimeoutMs = 130'000;  // the controller gives up at 120 s and says so itself
constexpr long streamSilenceSeconds = 60;   // the controller sends a comment every 15 s

std::string encoded(std::string_view text) {
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

// For errors whose code this program does not know (a newer controller), and for answers that are not the API's.
ErrorCode codeOfStatus(long status) {
    switch (status) {
        case 400:
            return ErrorCode::InvalidInput;
        case 401:
            return ErrorCode::Unauthenticated;
        case 403:
            return ErrorCode::Forbidden;
        case 404:
            return ErrorCode::NotFound;
        case 409:
            return ErrorCode::NotReady;
        case 413:
            return ErrorCode::TooLarge;
        case 429:
            return ErrorCode::Busy;
        case 504:
            return ErrorCode::OutcomeUnknown;
        default:
            return ErrorCode::ProtocolViolation;
    }
}

Error errorOfAnswer(long status, const std::string& body, const std::string& url) {
    const auto json = parseJson(body);
    const Json* error = json ? memberAt(*json, "error") : nullptr;
    if (!error)
        return Error(ErrorCode::ProtocolViolation, fmt::format("{} answered {} without an error document", url, status),
                     "is that a Swingbridge controller? check --url");
    const std::string name = textAt(*error, "code");
    if (codeFromName(name)) return errorFromJson(*error);
    return Error(codeOfStatus(status), name + ": " + textAt(*error, "message"), textAt(*error, "hint"));
}

}  // namespace

Path Path::operator/(std::string_view part) const {
    Path longer = *this;
    longer.text_ += "/" + encoded(part);
    return longer;
}

Path Path::with(std::string_view key, std::string_view value) const {
    Path longer = *this;
    if (value.empty()) return longer;
    longer.text_ += (hasQuery_ ? "&" : "?") + encoded(key) + "=" + encoded(value);
    longer.hasQuery_ = true;
    return longer;
}

struct ApiClient::Handles {
    CURLM* multi = nullptr;
    CURL* easy = nullptr;

    ~Handles() {
        if (multi && easy) curl_multi_remove_handle(multi, easy);
        if (easy) curl_easy_cleanup(easy);
        if (multi) curl_multi_cleanup(multi);
    }
};

struct ApiClient::Transfer {
    std::string url, body;
    curl_slist* headers = nullptr;
    char errorText[CURL_ERROR_SIZE] = {};
    bool tooLarge = false;
    CURL* easy = nullptr;
    const std::function<void(const ServerEvent&)>* onEvent = nullptr;
    EventReader events;
    std::optional<Error> eventError;

    Transfer() = default;
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;
    ~Transfer() { curl_slist_free_all(headers); }

    // A stream's events are handed on as they come; an error answer to it is kept as a body like any other.
    static size_t onBytes(char* bytes, size_t one, size_t count, void* self) {
        auto& transfer = *static_cast<Transfer*>(self);
        const std::string_view text(bytes, one * count);
        long status = 0;
        curl_easy_getinfo(transfer.easy, CURLINFO_RESPONSE_CODE, &status);
        if (transfer.onEvent && status == 200) {
            if (auto taken = transfer.events.take(text, *transfer.onEvent); !taken) {
                transfer.eventError = taken.error();
                return 0;
            }
            return text.size();
        }
        if (transfer.body.size() + text.size() > answerBytesMax) {
            transfer.tooLarge = true;
            return 0;
        }
        transfer.body += text;
        return text.size();
    }
};

Result<std::unique_ptr<ApiClient>> ApiClient::create(ConnectionSettings settings) {
    static const bool ready = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
    std::unique_ptr<ApiClient> client(new ApiClient(std::move(settings)));
    if (!ready || !client->handles_->multi || !client->handles_->easy)
        return fail(ErrorCode::Bug, "libcurl cannot be set up");
    return client;
}

ApiClient::ApiClient(ConnectionSettings settings)
    : settings_(std::move(settings)), handles_(std::make_unique<Handles>()) {
    handles_->multi = curl_multi_init();
    handles_->easy = curl_easy_init();
}

ApiClient::~ApiClient() = default;

Result<void> ApiClient::prepare(const ApiRequest& request, Transfer& transfer) {
    CURL* easy = handles_->easy;
    curl_easy_reset(easy);  // keeps the open connection
    transfer.easy = easy;
    transfer.url = settings_.url + request.path.text();
    curl_easy_setopt(easy, CURLOPT_URL, transfer.url.c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "swing/" SWB_VERSION);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, connectTimeoutMs);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.errorText);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::onBytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    // libcurl repeats a request by itself when a kept connection turns out dead; one that changes something must not
    // be.
    if (request.effect == Effect::changes) curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    if (transfer.onEvent) {
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, streamSilenceSeconds);
    } else {
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, requestTimeoutMs);
    }
    if (!settings_.caPem.empty()) {
        curl_blob authority{const_cast<char*>(settings_.caPem.data()), settings_.caPem.size(), CURL_BLOB_COPY};
        curl_easy_setopt(easy, CURLOPT_CAINFO_BLOB, &authority);
        curl_easy_setopt(easy, CURLOPT_CAPATH, nullptr);  // that authority and no other
    }
    if (!settings_.caPin.empty()) {
        curl_easy_setopt(
            easy, CURLOPT_SSL_CTX_FUNCTION, +[](CURL* curl, void* context, void* pin) {
                return static_cast<CURLcode>(crypto::pinForCurl(curl, context, pin));
            });
        curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, &settings_.caPin);
    }
    const auto header = [&transfer](const std::string& text) {
        transfer.headers = curl_slist_append(transfer.headers, text.c_str());
    };
    header("Expect:");
    header(transfer.onEvent ? "Accept: text/event-stream" : "Accept: application/json");
    if (!settings_.token.empty()) header("Authorization: Bearer " + settings_.token.reveal());
    if (!request.body.empty()) {
        header("Content-Type: " + request.contentType);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.data());
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer.headers);
    return {};
}

Result<void> ApiClient::perform(const ApiRequest& request, Transfer& transfer) {
    TRY_VOID(prepare(request, transfer));
    CURL* easy = handles_->easy;
    curl_multi_add_handle(handles_->multi, easy);
    int running = 1;
    bool interrupted = false;
    while (running > 0 && !interrupted) {
        if (curl_multi_perform(handles_->multi, &running) != CURLM_OK) break;
        if (running == 0) break;
        curl_waitfd interrupt{InterruptGuard::descriptor(), CURL_WAIT_POLLIN, 0};
        curl_multi_poll(handles_->multi, &interrupt, interrupt.fd >= 0 ? 1 : 0, 1000, nullptr);
        interrupted = InterruptGuard::requested();
    }
    CURLcode code = interrupted ? CURLE_ABORTED_BY_CALLBACK : CURLE_FAILED_INIT;
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(handles_->multi, &left))
        if (message->msg == CURLMSG_DONE) code = message->data.result;
    long sentBytes = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sentBytes);
    curl_multi_remove_handle(handles_->multi, easy);
    if (code == CURLE_OK) return {};
    return fail(transferError(code, sentBytes > 0 && request.effect == Effect::changes, transfer));
}

Error ApiClient::transferError(int code, bool mayHaveHappened, const Transfer& transfer) const {
    const std::string reason =
        transfer.errorText[0] ? transfer.errorText : curl_easy_strerror(static_cast<CURLcode>(code));
    if (transfer.eventError) return *transfer.eventError;
    if (transfer.tooLarge) return Error(ErrorCode::TooLarge, "the answer of " + settings_.url + " is over 32 MiB");
    switch (code) {
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_ISSUER_ERROR:
            return Error(ErrorCode::CertificateRejected,
                         "the certificate that " + settings_.url + " shows is not trusted: " + reason,
                         "give the controller's authority by --ca FILE (ca.pem of `swingd init`) or --ca-pin SHA256");
        case CURLE_SSL_CONNECT_ERROR:
            return Error(ErrorCode::ProtocolViolation, "no TLS connection to " + settings_.url + ": " + reason,
                         "is that the API's port? check --url");
        case CURLE_WEIRD_SERVER_REPLY:
        case CURLE_UNSUPPORTED_PROTOCOL:
        case CURLE_URL_MALFORMAT:
            return Error(ErrorCode::ProtocolViolation, settings_.url + " does not speak the API: " + reason,
                         "is that a Swingbridge controller? check --url");
        case CURLE_ABORTED_BY_CALLBACK:
            return mayHaveHappened ? Error(ErrorCode::OutcomeUnknown, "interrupted before the controller answered",
                                           "see what it did: swing run list")
                                   : Error(ErrorCode::DeadlineExceeded, "interrupted");
        default:
            break;
    }
    if (mayHaveHappened)
        return Error(ErrorCode::OutcomeUnknown,
                     "the request was sent to " + settings_.url + ", but no answer came: " + reason,
                     "it may or may not have been carried out: look before repeating it, as with `swing run list`");
    return Error(ErrorCode::Unreachable, "the controller at " + settings_.url + " cannot be reached: " + reason,
                 "is swingd running there? check --url and the network");
}

Result<Json> ApiClient::send(const ApiRequest& request) {
    Transfer transfer;
    TRY_VOID(perform(request, transfer));
    long status = 0;
    curl_easy_getinfo(handles_->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status < 200 || status > 299) return fail(errorOfAnswer(status, transfer.body, settings_.url));
    if (transfer.body.empty()) return Json(JsonObject{});
    auto answer = parseJson(transfer.body, answerBytesMax);
    if (!answer || !answer->is_object())
        return fail(ErrorCode::ProtocolViolation, settings_.url + " answered with something that is not JSON",
                    "is that a Swingbridge controller? check --url");
    return answer;
}

Result<Json> ApiClient::get(const Path& path) {
    return send({.path = path});
}

Result<Json> ApiClient::post(const Path& path, const Json& body, Effect effect) {
    return send({.method = "POST", .path = path, .body = toText(body), .effect = effect});
}

Result<Json> ApiClient::put(const Path& path, const Json& body) {
    return send({.method = "PUT", .path = path, .body = toText(body), .effect = Effect::changes});
}

Result<Json> ApiClient::patch(const Path& path, const Json& body) {
    return send({.method = "PATCH", .path = path, .body = toText(body), .effect = Effect::changes});
}

Result<Json> ApiClient::remove(const Path& path) {
    return send({.method = "DELETE", .path = path, .effect = Effect::changes});
}

Result<void> ApiClient::stream(const Path& path, const std::function<void(const ServerEvent&)>& onEvent) {
    Transfer transfer;
    transfer.onEvent = &onEvent;
    const ApiRequest request{.path = path};
    TRY_VOID(perform(request, transfer));
    long status = 0;
    curl_easy_getinfo(handles_->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200) return fail(errorOfAnswer(status, transfer.body, settings_.url));
    return {};
}

}  // namespace swb::swing
