// Texts of programs and databases go into messages; a byte that is not UTF-8 there would end the connection at the
// other end, which checks. So they are repaired before they are sent.
#pragma once

#include <string>
#include <string_view>

namespace swb::link {

// Every byte that is not part of a well-formed sequence becomes '?'. The length stays.
void repairUtf8(std::string& text);
// At most bytesMax bytes, not cut within a character.
std::string cutText(std::string_view text, size_t bytesMax);

}  // namespace swb::link
