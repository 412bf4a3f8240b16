#include "driver/postgresql/wal_summary.h"

#include <algorithm>
#include <charconv>

namespace swb::driver::postgresql {

namespace {

constexpr size_t lineBytesMax = 4096;    // a commit may list thousands of invalidations: its beginning is enough
constexpr size_t relationsMax = 10'000;  // further ones are not told apart

bool startsWith(std::string_view text, std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
}

// What follows the sign, or nothing.
std::string_view after(std::string_view text, std::string_view sign) {
    const size_t at = text.find(sign);
    return at == std::string_view::npos ? std::string_view() : text.substr(at + sign.size());
}

uint32_t takeNumber(std::string_view& text) {
    uint32_t number = 0;
    const auto [end, error] = std::from_chars(text.begin(), text.end(), number);
    text.remove_prefix(static_cast<size_t>(end - text.begin()));
    if (!text.empty()) text.remove_prefix(1);
    return error == std::errc() ? number : 0;
}

}  // namespace

void WalSummary::take(std::string_view piece) {
    for (;;) {
        const size_t end = piece.find('\n');
        const std::string_view part = piece.substr(0, end);
        line_.append(part.substr(0, lineBytesMax - std::min(line_.size(), lineBytesMax)));
        if (end == std::string_view::npos) return;
        takeLine(line_);
        line_.clear();
        piece.remove_prefix(end + 1);
    }
}

// "rmgr: Heap len (rec/tot): 54/150, tx: 736, lsn: 0/0300AC68, prev 0/0300AC30, desc: INSERT off 3, blkref #0: rel …"
void WalSummary::takeLine(std::string_view line) {
    if (!startsWith(line, "rmgr: ")) return;
    const std::string_view position = after(line, ", lsn: ");
    const auto lsn = parseLsn(position.substr(0, position.find(',')));
    if (!lsn) return;
    ++records_;
    last_ = *lsn;
    std::string_view length = after(after(line, "(rec/tot):"), "/");
    length.remove_prefix(std::min(length.find_first_not_of(' '), length.size()));
    onRecord_(*lsn, takeNumber(length));
    const std::string_view manager = line.substr(6, line.find(' ', 6) - 6), description = after(line, ", desc: ");
    if (manager == "Transaction" && startsWith(description, "COMMIT")) takeCommit(description);
    if (manager == "Heap" || manager == "Heap2") takeChange(description);
}

void WalSummary::takeCommit(std::string_view description) {
    constexpr size_t timeBytes = 40;
    ++commits_;
    std::string_view time = after(description, " ");
    time = time.substr(0, std::min({time.find(';'), time.find(", "), timeBytes}));
    if (firstCommit_.empty()) firstCommit_ = time;
    lastCommit_ = time;
}

void WalSummary::takeChange(std::string_view description) {
    constexpr std::string_view kinds[] = {"INSERT", "UPDATE", "HOT_UPDATE", "DELETE", "MULTI_INSERT"};
    const std::string_view kind = description.substr(0, description.find_first_of(" +"));
    if (std::find(std::begin(kinds), std::end(kinds), kind) == std::end(kinds)) return;
    std::string_view numbers = after(description, "blkref #0: rel ");
    if (numbers.empty()) return;
    takeNumber(numbers);  // the tablespace
    const uint32_t database = takeNumber(numbers), file = takeNumber(numbers);
    if (changes_.size() < relationsMax || changes_.count({database, file})) ++changes_[{database, file}];
}

}  // namespace swb::driver::postgresql
