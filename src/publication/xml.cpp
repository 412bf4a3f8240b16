#include "publication/xml.h"

#include <charconv>

namespace swb::publication {
namespace {

constexpr size_t depthMax = 16;
constexpr size_t elementsMax = 20'000;

bool isNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ':';
}
bool isSpace(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

void appendUtf8(std::string& out, uint32_t point) {
    if (point < 0x80) {
        out += static_cast<char>(point);
    } else if (point < 0x800) {
        out += static_cast<char>(0xc0 | point >> 6);
        out += static_cast<char>(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        out += static_cast<char>(0xe0 | point >> 12);
        out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (point & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | point >> 18);
        out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
        out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
        out += static_cast<char>(0x80 | (point & 0x3f));
    }
}

class Parser {
  public:
    explicit Parser(std::string_view text) : text_(text) {}

    Result<XmlElement> document() {
        TRY_VOID(skipBetween());
        XmlElement root = TRY(element(0));
        TRY_VOID(skipBetween());
        if (at_ != text_.size()) return broken("there is more after the document");
        return root;
    }

  private:
    tl::unexpected<Error> broken(const char* what) const {
        return fail(ErrorCode::ProtocolViolation,
                    "the XML cannot be read at byte " + std::to_string(at_) + ": " + what);
    }
    bool begins(std::string_view word) const { return text_.substr(at_).starts_with(word); }
    void skipSpace() {
        while (at_ < text_.size() && isSpace(text_[at_])) ++at_;
    }
    Result<void> skipTo(std::string_view end) {
        const size_t found = text_.find(end, at_);
        if (found == std::string_view::npos) return broken("something is not closed");
        at_ = found + end.size();
        return {};
    }

    // Declaration, comments and white space around the root.
    Result<void> skipBetween() {
        for (;;) {
            skipSpace();
            if (begins("<?")) {
                TRY_VOID(skipTo("?>"));
            } else if (begins("<!--")) {
                TRY_VOID(skipTo("-->"));
            } else {
                return {};
            }
        }
    }

    Result<std::string> name() {
        const size_t start = at_;
        while (at_ < text_.size() && isNameCharacter(text_[at_])) ++at_;
        if (at_ == start) return broken("a name is missing");
        return std::string(text_.substr(start, at_ - start));
    }

    static std::string localName(const std::string& full) {
        const size_t colon = full.rfind(':');
        return colon == std::string::npos ? full : full.substr(colon + 1);
    }

    Result<void> skipAttributes() {
        for (;;) {
            skipSpace();
            if (at_ >= text_.size()) return broken("a tag is not closed");
            if (text_[at_] == '>' || text_[at_] == '/') return {};
            TRY(name());
            skipSpace();
            if (!begins("=")) return broken("an attribute has no value");
            ++at_;
            skipSpace();
            if (at_ >= text_.size() || (text_[at_] != '"' && text_[at_] != '\''))
                return broken("an attribute's value is not quoted");
            const char quote = text_[at_++];
            TRY_VOID(skipTo(std::string_view(&quote, 1)));
        }
    }

    Result<void> reference(std::string& out) {
        const size_t end = text_.find(';', at_);
        if (end == std::string_view::npos || end - at_ > 10) return broken("an entity is not closed");
        const std::string_view word = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        if (word == "lt")
            out += '<';
        else if (word == "gt")
            out += '>';
        else if (word == "amp")
            out += '&';
        else if (word == "quot")
            out += '"';
        else if (word == "apos")
            out += '\'';
        else if (word.starts_with('#')) {
            const bool hex = word.starts_with("#x");
            const std::string_view digits = word.substr(hex ? 2 : 1);
            uint32_t point = 0;
            const auto [stop, problem] =
                std::from_chars(digits.data(), digits.data() + digits.size(), point, hex ? 16 : 10);
            if (problem != std::errc() || stop != digits.data() + digits.size() || point == 0 || point > 0x10ffff)
                return broken("a character reference is wrong");
            appendUtf8(out, point);
        } else {
            return broken("an entity is not known");
        }
        return {};
    }

    Result<XmlElement> element(size_t depth) {
        if (depth >= depthMax || ++elements_ > elementsMax) return broken("there are too many elements");
        if (!begins("<") || begins("<!") || begins("<?")) return broken("an element is missing");
        ++at_;
        const std::string full = TRY(name());
        XmlElement out;
        out.name = localName(full);
        TRY_VOID(skipAttributes());
        if (begins("/>")) {
            at_ += 2;
            return out;
        }
        if (!begins(">")) return broken("a tag is not closed");
        ++at_;
        TRY_VOID(content(out, depth));
        at_ += 2;  // "</"
        if (TRY(name()) != full) return broken("an element is closed by another name");
        skipSpace();
        if (!begins(">")) return broken("a tag is not closed");
        ++at_;
        return out;
    }

    // Up to the closing tag.
    Result<void> content(XmlElement& out, size_t depth) {
        for (;;) {
            if (at_ >= text_.size()) return broken("the document ends too early");
            if (begins("</")) return {};
            if (begins("<!--")) {
                TRY_VOID(skipTo("-->"));
            } else if (text_[at_] == '<') {
                out.children.push_back(TRY(element(depth + 1)));
            } else if (text_[at_] == '&') {
                TRY_VOID(reference(out.text));
            } else {
                out.text += text_[at_++];
            }
        }
    }

    std::string_view text_;
    size_t at_ = 0;
    size_t elements_ = 0;
};

}  // namespace

const XmlElement* XmlElement::child(std::string_view wanted) const {
    for (const XmlElement& candidate : children)
        if (candidate.name == wanted) return &candidate;
    return nullptr;
}

std::string XmlElement::textOf(std::string_view wanted) const {
    const XmlElement* found = child(wanted);
    return found ? found->text : "";
}

Result<XmlElement> parseXml(std::string_view document) {
    return Parser(document).document();
}

std::string xmlEscaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (c == '<')
            out += "&lt;";
        else if (c == '>')
            out += "&gt;";
        else if (c == '&')
            out += "&amp;";
        else if (c == '"')
            out += "&quot;";
        else
            out += c;
    }
    return out;
}

}  // namespace swb::publication
