// The words of master-file text (RFC 1035 §5.1): what record data is written in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "dns/name.h"

namespace swb::dns {

struct Token {
    std::string octets;  // escapes resolved, quotes taken off
    std::string raw;     // as written, for names and numbers
    bool isQuoted = false;
};

// One word or quoted string starting at `at`; false when a quote or an escape is left open. A quote directly behind an
// equals sign belongs to the word (RFC 9460 appendix A: alpn="h2,h3"). The word ends at a blank, and at any of `ends`.
bool readToken(std::string_view text, size_t& at, Token& token, std::string_view ends = {});
// All words of one line without comments or parentheses.
bool readTokens(std::string_view text, std::vector<Token>& tokens);

// An absolute name; with an origin, names without a final dot are relative to it, and "@" is the origin.
Result<Name> nameFromToken(std::string_view raw, const Name* origin);

std::string quotedText(std::string_view octets);
std::string hexadecimalText(std::string_view octets);
std::string base64Text(std::string_view octets);
bool readHexadecimal(std::string_view text, std::string& octets);
bool readBase64(std::string_view text, std::string& octets);

}  // namespace swb::dns
