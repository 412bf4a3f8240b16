#include "publication/providers.h"

namespace swb::publication {

std::string unquoted(std::string_view text) {
    if (!text.starts_with('"')) return std::string(text);
    std::string out;
    bool inside = false;
    for (size_t at = 0; at < text.size(); ++at) {
        if (text[at] == '"')
            inside = !inside;
        else if (inside && text[at] == '\\' && at + 1 < text.size())
            out += text[++at];
        else if (inside)
            out += text[at];
    }
    return out;
}

std::string quoted(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

void putMark(Reading& reading, const std::vector<std::string>& texts) {
    if (texts.empty()) return;
    if (texts.size() == 1) reading.mark = markFromText(texts.front());
    if (!reading.mark)
        reading.strange = "the TXT record of the ownership mark says something else: " + texts.front().substr(0, 80);
}

}  // namespace swb::publication
