#include "agent/ledger.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"

namespace swb::agent {
namespace {

constexpr size_t fileBytesMax = 256 << 20;   // read at start
constexpr size_t compactAtBytes = 64 << 20;  // results of inspections are the largest

std::string startedLine(const LedgerEntry& entry) {
    return "S " + std::to_string(entry.startedAt) + " " + link::encode(entry.command) + "\n";
}
std::string finishedLine(const link::Outcome& outcome) {
    return "F " + link::encode(outcome) + "\n";
}
std::string epochLine(const std::string& group, int64_t epoch) {
    return "E " + std::to_string(epoch) + " " + group + "\n";
}

// "123 rest" → 123 and rest.
std::optional<int64_t> takeNumber(std::string_view& text) {
    const size_t space = text.find(' ');
    if (space == std::string_view::npos || space == 0 || space > 18) return std::nullopt;
    int64_t number = 0;
    for (const char digit : text.substr(0, space)) {
        if (digit < '0' || digit > '9') return std::nullopt;
        number = number * 10 + (digit - '0');
    }
    text.remove_prefix(space + 1);
    return number;
}

}  // namespace

Result<std::unique_ptr<Ledger>> Ledger::open(const std::string& path, size_t entriesMax) {
    std::unique_ptr<Ledger> ledger(new Ledger(path, entriesMax));
    TRY_VOID(ledger->load());
    return ledger;
}

Result<void> Ledger::load() {
    if (fileExists(path_)) {
        const std::string content = TRY(readFile(path_, fileBytesMax));
        size_t at = 0;
        for (size_t end; (end = content.find('\n', at)) != std::string::npos; at = end + 1)
            if (!loadLine(std::string_view(content).substr(at, end - at)))
                logError("ledger", "a damaged line at byte {} of {} is left out", at, path_);
        // What is behind the last line end was being written when the machine stopped: nothing had been done for it.
        if (at < content.size()) logWarning("ledger", "the last line of {} is incomplete and is left out", path_);
    }
    forgetOldest();
    return compact();
}

bool Ledger::loadLine(std::string_view line) {
    if (line.size() < 3 || line[1] != ' ') return line.empty();
    const char kind = line[0];
    line.remove_prefix(2);
    if (kind == 'E') {
        const auto epoch = takeNumber(line);
        if (epoch) raise(std::string(line), *epoch);
        return epoch.has_value();
    }
    if (kind == 'S') {
        const auto at = takeNumber(line);
        auto message = link::decode(line);
        if (!at || !message || !std::holds_alternative<link::Command>(*message)) return false;
        auto& command = std::get<link::Command>(*message);
        raise(command.group, command.epoch);
        insert(LedgerEntry{std::move(command), *at, std::nullopt, true});
        return true;
    }
    auto message = link::decode(line);
    if (kind != 'F' || !message || !std::holds_alternative<link::Outcome>(*message)) return false;
    auto& outcome = std::get<link::Outcome>(*message);
    const auto entry = entries_.find(outcome.id);
    if (entry != entries_.end()) entry->second.outcome = std::move(outcome);
    return true;
}

Result<void> Ledger::start(const link::Command& command, UnixMs at) {
    const std::lock_guard guard(mutex_);
    LedgerEntry entry{command, at, std::nullopt, true};
    TRY_VOID(append(startedLine(entry)));
    raise(command.group, command.epoch);
    insert(std::move(entry));
    forgetOldest();
    return {};
}

void Ledger::startReading(const link::Command& command, UnixMs at) {
    const std::lock_guard guard(mutex_);
    insert(LedgerEntry{command, at, std::nullopt, false});
    forgetOldest();
}

void Ledger::remember(const link::Outcome& outcome) {
    const std::lock_guard guard(mutex_);
    const auto entry = entries_.find(outcome.id);
    SWB_ASSERT(entry != entries_.end(), "an outcome belongs to a command that was started");
    entry->second.outcome = outcome;
}

Result<void> Ledger::flush(const std::string& id) {
    const std::lock_guard guard(mutex_);
    const auto entry = entries_.find(id);
    if (entry == entries_.end() || !entry->second.durable || !entry->second.outcome) return {};
    TRY_VOID(append(finishedLine(*entry->second.outcome)));
    if (lines_ > 4 * entriesMax_ + 2 * epochs_.size() || bytes_ > compactAtBytes) return compact();
    return {};
}

std::optional<LedgerEntry> Ledger::find(const std::string& id) const {
    const std::lock_guard guard(mutex_);
    const auto entry = entries_.find(id);
    return entry == entries_.end() ? std::nullopt : std::optional(entry->second);
}

std::vector<LedgerEntry> Ledger::unfinished() const {
    const std::lock_guard guard(mutex_);
    std::vector<LedgerEntry> found;
    for (const auto& id : order_)
        if (const auto& entry = entries_.at(id); entry.durable && !entry.outcome) found.push_back(entry);
    return found;
}

size_t Ledger::size() const {
    const std::lock_guard guard(mutex_);
    return entries_.size();
}

std::map<std::string, int64_t> Ledger::epochs() const {
    const std::lock_guard guard(mutex_);
    return epochs_;
}

Result<void> Ledger::checkEpoch(const std::string& group, int64_t epoch) {
    if (group.empty()) return {};
    const std::lock_guard guard(mutex_);
    const auto seen = epochs_.find(group);
    const int64_t newest = seen == epochs_.end() ? -1 : seen->second;
    if (epoch < newest)
        return fail(ErrorCode::EpochOld,
                    "the command is of epoch " + std::to_string(epoch) + " of " + group + "; this server has seen " +
                        std::to_string(newest),
                    "a newer run of the group has taken over; look at it with `swing run list`");
    if (epoch == newest) return {};
    TRY_VOID(append(epochLine(group, epoch)));
    raise(group, epoch);
    return {};
}

Result<void> Ledger::append(std::string line) {
    if (torn_) line.insert(line.begin(), '\n');
    size_t written = 0;
    while (written < line.size()) {
        const ssize_t count = ::write(file_.get(), line.data() + written, line.size() - written);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            torn_ = torn_ || written > 0;
            return fail(ErrorCode::StorageFailed, "cannot write " + path_ + ": " + std::strerror(errno),
                        "free space on the agent's disk");
        }
        written += static_cast<size_t>(count);
    }
    torn_ = false;
    if (::fdatasync(file_.get()) != 0)
        return fail(ErrorCode::StorageFailed, "cannot flush " + path_ + ": " + std::strerror(errno));
    ++lines_;
    bytes_ += line.size();
    return {};
}

Result<void> Ledger::reopen() {
    file_ = Fd(::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    if (!file_.valid()) return fail(ErrorCode::StorageFailed, "cannot open " + path_ + ": " + std::strerror(errno));
    return {};
}

Result<void> Ledger::compact() {
    std::string content;
    size_t lines = 0;
    for (const auto& [group, epoch] : epochs_) content += epochLine(group, epoch), ++lines;
    for (const auto& id : order_) {
        const LedgerEntry& entry = entries_.at(id);
        if (!entry.durable) continue;
        content += startedLine(entry), ++lines;
        if (entry.outcome) content += finishedLine(*entry.outcome), ++lines;
    }
    TRY_VOID(writeFileAtomically(path_, content));
    lines_ = lines;
    bytes_ = content.size();
    torn_ = false;
    return reopen();
}

void Ledger::insert(LedgerEntry entry) {
    const std::string id = entry.command.id;
    if (entries_.insert_or_assign(id, std::move(entry)).second) order_.push_back(id);
}

void Ledger::forgetOldest() {
    for (auto id = order_.begin(); entries_.size() > entriesMax_ && id != order_.end();) {
        const auto entry = entries_.find(*id);
        if (!entry->second.outcome) {
            ++id;
            continue;
        }
        entries_.erase(entry);
        id = order_.erase(id);
    }
}

void Ledger::raise(const std::string& group, int64_t epoch) {
    if (group.empty()) return;
    int64_t& seen = epochs_[group];
    if (epoch > seen) seen = epoch;
}

}  // namespace swb::agent
