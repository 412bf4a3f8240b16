#include "dns/transfer/key_file.h"

#include <openssl/evp.h>
#include <sys/stat.h>

#include "base/file.h"

namespace swb::dns::transfer {
namespace {

tl::unexpected<Error> badKeys(size_t line, const std::string& why) {
    return fail(ErrorCode::InvalidInput, "line " + std::to_string(line) + ": " + why,
                "write keys as tsig-keygen does, or one a line as hmac-sha256:NAME:BASE64");
}

Result<Secret> secretFromBase64(std::string_view text, size_t line) {
    // OpenSSL's decoder takes groups of four and counts the padding as zero octets.
    std::string octets(text.size() / 4 * 3, '\0');
    const int count =
        text.empty() || text.size() % 4 != 0 || text.size() > tsigSecretBytesMax * 2
            ? -1
            : EVP_DecodeBlock(reinterpret_cast<unsigned char*>(octets.data()),
                              reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
    const size_t padding = text.size() - std::min(text.find_last_not_of('=') + 1, text.size());
    if (count < 0 || padding > 2) return badKeys(line, "the secret is not base64");
    octets.resize(static_cast<size_t>(count) - padding);
    return Secret(std::move(octets));
}

struct Token {
    std::string text;
    size_t line = 0;
};

// Words, quoted strings and the signs { } ; as in named.conf; comments (# and //) left out.
Result<std::vector<Token>> tokensOf(std::string_view text) {
    std::vector<Token> tokens;
    size_t line = 1;
    for (size_t at = 0; at < text.size();) {
        const char character = text[at];
        if (character == '\n') ++line;
        if (character == '#' || text.substr(at, 2) == "//") {
            at = std::min(text.find('\n', at), text.size());
        } else if (std::string_view("{};").find(character) != std::string_view::npos) {
            tokens.push_back({std::string(1, character), line});
            ++at;
        } else if (character == '"') {
            const size_t end = text.find_first_of("\"\n", at + 1);
            if (end == std::string_view::npos || text[end] != '"') return badKeys(line, "a quote is not closed");
            tokens.push_back({std::string(text.substr(at + 1, end - at - 1)), line});
            at = end + 1;
        } else if (std::string_view(" \t\r\n").find(character) != std::string_view::npos) {
            ++at;
        } else {
            const size_t end = std::min(text.find_first_of(" \t\r\n{};\"", at), text.size());
            tokens.push_back({std::string(text.substr(at, end - at)), line});
            at = end;
        }
    }
    return tokens;
}

class KeyParser {
  public:
    explicit KeyParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

    Result<std::vector<TsigKey>> parse() {
        std::vector<TsigKey> keys;
        while (at_ < tokens_.size()) {
            if (keys.size() == keysPerFileMax) return badKeys(line(), "there are more than 100 keys");
            keys.push_back(tokens_[at_].text == "key" ? TRY(clause()) : TRY(colonForm()));
        }
        if (keys.empty()) return badKeys(1, "there is no key");
        return keys;
    }

  private:
    size_t line() const { return at_ < tokens_.size() ? tokens_[at_].line : tokens_.empty() ? 1 : tokens_.back().line; }
    Result<std::string> next(const char* what) {
        if (at_ == tokens_.size()) return badKeys(line(), std::string("it ends where ") + what + " should be");
        return tokens_[at_++].text;
    }
    Result<void> expect(std::string_view sign) {
        if (TRY(next("more of a key")) != sign) return badKeys(line(), "a \"" + std::string(sign) + "\" is missing");
        return {};
    }

    Result<TsigKey> clause() {
        ++at_;
        TsigKey key;
        key.name = TRY(Name::fromText(TRY(next("the name of a key"))));
        TRY_VOID(expect("{"));
        bool hasAlgorithm = false;
        while (at_ < tokens_.size() && tokens_[at_].text != "}") {
            const size_t at = line();
            const std::string word = TRY(next("\"algorithm\" or \"secret\""));
            const std::string value = TRY(next("its value"));
            if (word == "algorithm") {
                key.algorithm = TRY(tsigAlgorithmFromText(value));
                hasAlgorithm = true;
            } else if (word == "secret") {
                key.secret = TRY(secretFromBase64(value, at));
            } else {
                return badKeys(at, "a key has \"algorithm\" and \"secret\", nothing else");
            }
            TRY_VOID(expect(";"));
        }
        TRY_VOID(expect("}"));
        TRY_VOID(expect(";"));
        if (!hasAlgorithm || key.secret.empty()) return badKeys(line(), "a key needs an algorithm and a secret");
        return key;
    }

    Result<TsigKey> colonForm() {
        const size_t at = line();
        const std::string text = TRY(next("a key"));
        const size_t first = text.find(':');
        const size_t second = first == std::string::npos ? first : text.find(':', first + 1);
        if (second == std::string::npos) return badKeys(at, "this is not a key");
        TsigKey key;
        auto algorithm = tsigAlgorithmFromText(std::string_view(text).substr(0, first));
        if (!algorithm) return badKeys(at, "the algorithm is not hmac-sha256, hmac-sha384 or hmac-sha512");
        key.algorithm = *algorithm;
        key.name = TRY(Name::fromText(std::string_view(text).substr(first + 1, second - first - 1)));
        key.secret = TRY(secretFromBase64(std::string_view(text).substr(second + 1), at));
        return key;
    }

    std::vector<Token> tokens_;
    size_t at_ = 0;
};

}  // namespace

Result<std::vector<TsigKey>> keysFromText(std::string_view text) {
    return KeyParser(TRY(tokensOf(text))).parse();
}

Result<std::vector<TsigKey>> readKeyFile(const std::string& path) {
    struct stat info {};
    if (::stat(path.c_str(), &info) == 0 && (info.st_mode & 077) != 0)
        return fail(ErrorCode::InvalidInput, "the key file " + path + " may be read by others than its owner",
                    "chmod 600 " + path + ", and make new keys if others had the chance to read it");
    const std::string text = TRY(readFile(path, keyFileBytesMax));
    auto keys = keysFromText(text);
    if (!keys) return fail(std::move(keys).error().within(path));
    return keys;
}

}  // namespace swb::dns::transfer
