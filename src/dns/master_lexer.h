// Takes a master file apart into entries: the words of one record or directive, wherever parentheses let it end.
#pragma once

#include <optional>

#include "dns/presentation.h"

namespace swb::dns {

struct MasterLine {
    struct Position {
        size_t line = 0, column = 0;  // from 1
    };

    std::vector<Token> tokens;        // never empty
    std::vector<Position> positions;  // of each token
    bool startsBlank = false;         // the owner is left out
};

class MasterLexer {
  public:
    explicit MasterLexer(std::string_view text) : text_(text) {}

    // False at the end of the file. The error says where.
    Result<bool> next(MasterLine& line);

  private:
    static constexpr size_t tokensMax = 4096;  // of one record; the largest TXT record has 256 strings

    Result<void> readWord(MasterLine& line);
    void newLine();
    MasterLine::Position here() const { return {line_, at_ - lineStart_ + 1}; }
    tl::unexpected<Error> badAt(MasterLine::Position position, std::string_view why) const;

    std::string_view text_;
    size_t at_ = 0;
    size_t line_ = 1;
    size_t lineStart_ = 0;
};

}  // namespace swb::dns
