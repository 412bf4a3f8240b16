#include "agent/enrolment.h"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iostream>
#include <memory>

#include "base/file.h"
#include "base/ids.h"
#include "base/json.h"
#include "base/limits.h"
#include "crypto/certificate.h"
#include "crypto/tls_context.h"
#include "model/address.h"

namespace swb::agent {
namespace {

constexpr size_t tokenBytesMax = 4096;

struct CurlFree {
    void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

size_t collect(char* data, size_t size, size_t count, void* target) {
    auto& body = *static_cast<std::string*>(target);
    if (body.size() + size * count > limits::bodyBytes) return 0;  // ends the transfer
    body.append(data, size * count);
    return size * count;
}

// Matches the signature that libcurl calls through; the pin's own takes untyped pointers.
CURLcode pinTls(CURL* handle, void* context, void* pin) {
    return static_cast<CURLcode>(crypto::pinForCurl(handle, context, pin));
}

struct Answer {
    long status = 0;
    std::string body;
};

Result<Answer> post(const std::string& url, const std::string& body, const std::string& pin, int64_t timeoutMs) {
    static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
    const std::unique_ptr<CURL, CurlFree> handle(global == CURLE_OK ? curl_easy_init() : nullptr);
    if (!handle) return fail(ErrorCode::Bug, "libcurl does not start");
    const std::unique_ptr<curl_slist, CurlFree> headers(curl_slist_append(nullptr, "Content-Type: application/json"));
    Answer answer;
    char problem[CURL_ERROR_SIZE] = "";
    CURL* curl = handle.get();
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(timeoutMs));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers.get());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.c_str());
    // The pin says which authority the chain must end in; the name in the certificate adds nothing to it.
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, pinTls);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, &pin);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer.body);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, problem);
    const CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE || code == CURLE_SSL_CERTPROBLEM)
        return fail(ErrorCode::CertificateRejected, "the controller's authority is not the one of the pin",
                    "compare --ca-pin with what `swingd init` printed; somebody may be in between");
    if (code != CURLE_OK)
        return fail(
            ErrorCode::Unreachable,
            "the controller does not answer at " + url + ": " + (problem[0] ? problem : curl_easy_strerror(code)),
            "check the URL, the firewall and that swingd runs");
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer.status);
    return answer;
}

Result<std::string> normalPin(std::string_view pin) {
    std::string out;
    for (const char digit : pin)
        if (digit != ':') out += static_cast<char>(std::tolower(static_cast<unsigned char>(digit)));
    if (out.size() != 64 || out.find_first_not_of("0123456789abcdef") != std::string::npos)
        return fail(ErrorCode::InvalidInput, "the pin must be 64 hexadecimal digits", "`swingd init` prints it");
    return out;
}

// A name for the controller to show when the token names none: this host's, as far as it is one.
std::string hostName() {
    char text[256] = "";
    ::gethostname(text, sizeof text - 1);
    std::string name(text);
    name = name.substr(0, name.find('.'));
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    return isName(name) ? name : "server";
}

Result<void> storeAnswer(const AgentDirectory& directory, const JoinRequest& request, const std::string& pin,
                         const Secret& key, const Json& answer, std::string& server) {
    JsonReader reader(answer, "the controller's answer");
    reader.allowUnknown();
    const AgentConfiguration configuration{reader.string("server"), reader.string("controller", request.controller)};
    const AgentIdentity identity{reader.string("certificate"), key, reader.string("authority")};
    TRY_VOID(reader.finish());
    if (TRY(crypto::fingerprint(identity.authorityPem)) != pin)
        return fail(ErrorCode::CertificateRejected,
                    "the controller answered with an authority that is not the pinned one");
    TRY_VOID(storeIdentity(directory, configuration, identity));
    server = configuration.server;
    return {};
}

}  // namespace

Result<std::string> join(const AgentDirectory& directory, const JoinRequest& request) {
    const ControllerAddress address = TRY(controllerAddress(request.controller));
    const std::string pin = TRY(normalPin(request.pin));
    if (!request.name.empty()) TRY_VOID(checkedName("name", request.name));
    if (request.token.empty()) return fail(ErrorCode::InvalidInput, "the token is empty");
    if (fileExists(directory.configuration()) && !request.force)
        return fail(ErrorCode::AlreadyExists, "the agent in " + directory.root + " has joined a controller before",
                    "use --force to join anew; its ledger and boot guards are kept");
    TRY_VOID(directory.make());
    const Fd lock = TRY(directory.acquireLock());

    const std::string name = request.name.empty() ? hostName() : request.name;
    const Secret key = TRY(crypto::generateKey());
    const std::string certificateRequest = TRY(crypto::createRequest(key, name));
    const Json body = JsonObject{{"token", request.token.reveal()}, {"request", certificateRequest}, {"name", name}};
    const HostPort target{address.host, address.port};
    const auto answer = TRY(post("https://" + target.text() + "/v1/join", toText(body), pin, request.timeoutMs));
    const auto value = parseJson(answer.body);
    if (answer.status != 200 && answer.status != 201) {
        const Json* error = value ? memberAt(*value, "error") : nullptr;
        if (error && error->is_object()) return fail(errorFromJson(*error));
        return fail(ErrorCode::ProtocolViolation,
                    "the controller answered with status " + std::to_string(answer.status), "is it a swingd?");
    }
    if (!value) return fail(ErrorCode::ProtocolViolation, "the controller's answer cannot be read", "is it a swingd?");
    std::string server;
    TRY_VOID(storeAnswer(directory, request, pin, key, *value, server));
    return server;
}

Result<Secret> readToken(const std::string& argument) {
    std::string text = argument;
    if (argument == "-") {
        text.clear();
        std::getline(std::cin, text);
        if (text.size() > tokenBytesMax) return fail(ErrorCode::TooLarge, "the token is too long");
    } else if (argument.starts_with('@')) {
        text = TRY(readFile(argument.substr(1), tokenBytesMax));
    }
    while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
    if (text.empty()) return fail(ErrorCode::InvalidInput, "the token is empty");
    return Secret(std::move(text));
}

}  // namespace swb::agent
