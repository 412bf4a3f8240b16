// The file of the cookie keys: one line of 64 hexadecimal digits for the key in use, perhaps a second one for the key
// before it. Name servers of one zone that share this file accept each other's cookies.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "dns/cookie.h"

namespace swb::dns {

// Makes the file with a random key when it is not there.
Result<std::vector<CookieKey>> loadCookieKeys(const std::string& path);

}  // namespace swb::dns
