#include "dns/cookie_key_file.h"

#include <sodium.h>

#include <sstream>

#include "base/file.h"

namespace swb::dns {
namespace {

constexpr size_t fileBytesMax = 1024;
constexpr size_t keyDigits = sizeof(CookieKey) * 2;

bool readKey(const std::string& line, CookieKey& key) {
    size_t octets = 0;
    return line.size() == keyDigits &&
           sodium_hex2bin(key.data(), key.size(), line.data(), line.size(), nullptr, &octets, nullptr) == 0 &&
           octets == key.size();
}

Result<std::vector<CookieKey>> makeFile(const std::string& path) {
    const CookieKey key = randomCookieKey();
    std::string text(keyDigits + 1, '\0');
    sodium_bin2hex(text.data(), text.size(), key.data(), key.size());
    text.back() = '\n';
    TRY_VOID(writeFileAtomically(path, text, 0600));
    return std::vector<CookieKey>{key};
}

}  // namespace

Result<std::vector<CookieKey>> loadCookieKeys(const std::string& path) {
    const auto text = readFile(path, fileBytesMax);
    if (!text && text.error().code == ErrorCode::NotFound) return makeFile(path);
    if (!text) return fail(text.error());
    std::vector<CookieKey> keys;
    std::istringstream lines(*text);
    for (std::string line; std::getline(lines, line);) {
        if (keys.size() == cookieKeysMax || !readKey(line, keys.emplace_back()))
            return fail(ErrorCode::InvalidInput, path + " is not a file of cookie keys",
                        "it has one or two lines of 64 hexadecimal digits; without the file a new key is made");
    }
    if (keys.empty()) return fail(ErrorCode::InvalidInput, path + " has no cookie key", "remove it: a new key is made");
    return keys;
}

}  // namespace swb::dns
