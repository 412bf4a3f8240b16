#include "dns/master_lexer.h"

namespace swb::dns {
namespace {

constexpr std::string_view wordEnds = "\r\n;()\"";

}  // namespace

tl::unexpected<Error> MasterLexer::badAt(MasterLine::Position position, std::string_view why) const {
    return fail(ErrorCode::InvalidInput, "line " + std::to_string(position.line) + ", column " +
                                             std::to_string(position.column) + ": " + std::string(why));
}

void MasterLexer::newLine() {
    ++line_;
    lineStart_ = at_;
}

Result<bool> MasterLexer::next(MasterLine& line) {
    line = {};
    std::optional<MasterLine::Position> opened;
    bool atLineStart = at_ == lineStart_;
    while (at_ < text_.size()) {
        const char character = text_[at_];
        if (character == '\n') {
            ++at_;
            newLine();
            if (!opened && !line.tokens.empty()) return true;
            atLineStart = !opened;
        } else if (character == ' ' || character == '\t' || character == '\r') {
            if (atLineStart && line.tokens.empty()) line.startsBlank = character != '\r';
            atLineStart = false;
            ++at_;
        } else if (character == ';') {
            at_ = std::min(text_.find('\n', at_), text_.size());
        } else if (character == '(' || character == ')') {
            if ((character == '(') == opened.has_value())
                return badAt(here(), opened ? "a parenthesis inside another" : "a parenthesis that was not opened");
            opened = character == '(' ? std::optional(here()) : std::nullopt;
            ++at_;
            // An entry that begins with a parenthesis has no owner before it.
            if (atLineStart && line.tokens.empty()) line.startsBlank = true;
            atLineStart = false;
        } else {
            if (atLineStart) line.startsBlank = false;
            atLineStart = false;
            TRY_VOID(readWord(line));
        }
    }
    if (opened) return badAt(*opened, "this parenthesis is never closed");
    return !line.tokens.empty();
}

Result<void> MasterLexer::readWord(MasterLine& line) {
    const MasterLine::Position position = here();
    if (line.tokens.size() == tokensMax) return badAt(position, "the record has too many words");
    // A quoted string ends where its line ends at the latest: an open quote is found where it is.
    const std::string_view upToLineEnd = text_.substr(0, std::min(text_.find('\n', at_), text_.size()));
    Token token;
    if (!readToken(upToLineEnd, at_, token, wordEnds)) return badAt(position, "a quote or an escape is not complete");
    line.tokens.push_back(std::move(token));
    line.positions.push_back(position);
    return {};
}

}  // namespace swb::dns
