// Bearer tokens at rest: only a hash is stored. Tokens are 256 random bits (newSecretToken), so a fast keyed hash is
// enough: there is nothing to guess.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace swb::crypto {

// 64 lower-case hex digits: BLAKE2b-256 under a key of this product's own, so that it is no other system's hash.
std::string hashToken(const Secret& token);
// Takes the same time wherever the two differ.
bool equalInConstantTime(std::string_view left, std::string_view right);
bool tokenMatches(const Secret& token, std::string_view storedHash);

}  // namespace swb::crypto
