#include "publication/sigv4.h"

#include <algorithm>
#include <ctime>
#include <map>

#include "crypto/digest.h"
#include "crypto/hmac.h"
#include "publication/http.h"

namespace swb::publication {
namespace {

constexpr std::string_view algorithm = "AWS4-HMAC-SHA256";

std::string hmacSha256(const Secret& key, std::string_view text) {
    crypto::Hmac hmac(crypto::HmacHash::sha256, key);
    hmac.update(text);
    const crypto::Mac mac = hmac.finish();
    return {reinterpret_cast<const char*>(mac.bytes.data()), mac.size};
}

// Runs of spaces are one, none at the ends.
std::string trimmed(std::string_view text) {
    std::string out;
    for (const char c : text)
        if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
    while (out.ends_with(' ')) out.pop_back();
    return out;
}

std::map<std::string, std::string> canonicalHeaders(const AwsRequest& request) {
    std::map<std::string, std::string> out;
    for (const auto& [name, value] : request.headers) {
        std::string lower;
        for (const char c : name) lower += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        std::string& line = out[lower];
        line += (line.empty() ? "" : ",") + trimmed(value);
    }
    return out;
}

std::string signedNames(const AwsRequest& request) {
    std::string out;
    for (const auto& [name, value] : canonicalHeaders(request)) out += (out.empty() ? "" : ";") + name;
    return out;
}

// Encoded once, slashes kept.
std::string encodedPath(const std::string& path) {
    std::string out;
    size_t start = 0;
    for (size_t at = 0; at <= path.size(); ++at) {
        if (at < path.size() && path[at] != '/') continue;
        out += urlEncoded(path.substr(start, at - start));
        if (at < path.size()) out += '/';
        start = at + 1;
    }
    return out.empty() ? "/" : out;
}

}  // namespace

Result<AwsCredential> awsCredentialFromText(const Secret& text) {
    const std::string& all = text.reveal();
    const size_t first = all.find(':');
    const size_t second = first == std::string::npos ? first : all.find(':', first + 1);
    AwsCredential credential;
    credential.accessKeyId = all.substr(0, first);
    if (first != std::string::npos) credential.secretAccessKey = Secret(all.substr(first + 1, second - first - 1));
    if (second != std::string::npos) credential.sessionToken = Secret(all.substr(second + 1));
    const bool plain = std::all_of(credential.accessKeyId.begin(), credential.accessKeyId.end(), [](unsigned char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    });
    if (credential.accessKeyId.empty() || !plain || credential.secretAccessKey.empty())
        return fail(ErrorCode::InvalidInput, "the credential is no AWS access key",
                    "it is one line: ACCESS_KEY_ID:SECRET_ACCESS_KEY, with :SESSION_TOKEN for temporary ones");
    return credential;
}

std::string amzDate(UnixMs at) {
    const std::time_t seconds = static_cast<std::time_t>(at / 1000);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[32];
    const size_t length = std::strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ", &parts);
    return {text, length};
}

std::string awsQuery(const AwsRequest& request) {
    std::vector<std::pair<std::string, std::string>> parts;
    for (const auto& [key, value] : request.query) parts.emplace_back(urlEncoded(key), urlEncoded(value));
    std::sort(parts.begin(), parts.end());
    std::string out;
    for (const auto& [key, value] : parts) out += (out.empty() ? "" : "&") + key + "=" + value;
    return out;
}

std::string awsCanonicalRequest(const AwsRequest& request, const std::string& signedHeaders) {
    std::string out = request.method + "\n" + encodedPath(request.path) + "\n" + awsQuery(request) + "\n";
    for (const auto& [name, value] : canonicalHeaders(request)) out += name + ":" + value + "\n";
    return out + "\n" + signedHeaders + "\n" + crypto::sha256Hex(request.body);
}

std::string awsAuthorization(const AwsRequest& request, const AwsCredential& credential, UnixMs at) {
    const std::string time = amzDate(at), day = time.substr(0, 8), names = signedNames(request);
    const std::string scope = day + "/" + request.region + "/" + request.service + "/aws4_request";
    const std::string toSign = std::string(algorithm) + "\n" + time + "\n" + scope + "\n" +
                               crypto::sha256Hex(awsCanonicalRequest(request, names));
    std::string key = hmacSha256(Secret("AWS4" + credential.secretAccessKey.reveal()), day);
    for (const std::string_view part :
         {std::string_view(request.region), std::string_view(request.service), std::string_view("aws4_request")})
        key = hmacSha256(Secret(key), part);
    return std::string(algorithm) + " Credential=" + credential.accessKeyId + "/" + scope + ", SignedHeaders=" + names +
           ", Signature=" + crypto::toHex(hmacSha256(Secret(key), toSign));
}

}  // namespace swb::publication
