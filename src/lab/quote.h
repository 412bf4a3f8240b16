// Words of texts that the lab writes, quoted as their readers want them.
#pragma once

#include <string>
#include <string_view>

namespace swb::lab {

std::string yamlWord(std::string_view text);
std::string shellWord(std::string_view text);
// A value of a libpq connection string.
std::string libpqValue(std::string_view text);
// Of a URL's user part.
std::string urlPart(std::string_view text);

}  // namespace swb::lab
