#include "dns/zone_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "base/assert.h"
#include "base/file.h"
#include "base/log.h"
#include "dns/zone_codec.h"

namespace swb::dns {
namespace {

constexpr std::string_view journalMagic = "SWBJRNL\1";
constexpr size_t entryBytesLeast = 64;   // two SOA records and the frame take more
constexpr size_t foldAtBytes = 8 << 20;  // and at half the zone file: replaying stays short beside loading

tl::unexpected<Error> storageError(std::string_view what, const std::string& path) {
    return fail(ErrorCode::StorageFailed, std::string(what) + " " + path + ": " + std::strerror(errno),
                "the zone that is answered stays as it is; see that the disk has room and is healthy");
}

Result<void> writeAt(int fd, std::string_view octets, size_t position, const std::string& path) {
    while (!octets.empty()) {
        const ssize_t written = ::pwrite(fd, octets.data(), octets.size(), static_cast<off_t>(position));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return storageError("cannot write", path);
        octets.remove_prefix(static_cast<size_t>(written));
        position += static_cast<size_t>(written);
    }
    return {};
}

}  // namespace

ZoneJournal::ZoneJournal(std::string directory, Name origin)
    : zonePath_(directory + "/zone"),
      journalPath_(directory + "/journal"),
      origin_(std::move(origin)),
      floor_(directory + "/serial-floor") {}

Result<std::unique_ptr<ZoneJournal>> ZoneJournal::open(std::string directory, const Name& origin) {
    TRY_VOID(makeDirectories(directory));
    std::unique_ptr<ZoneJournal> journal(new ZoneJournal(std::move(directory), origin));
    journal->floor_.load();
    TRY_VOID(journal->readZoneFile());
    TRY_VOID(journal->readJournal());
    if (journal->zone_) journal->floor_.reached(journal->zone_->serial());
    if (journal->mustFold_ && journal->zone_) TRY_VOID(journal->fold());
    return journal;
}

Result<void> ZoneJournal::moveAside(const std::string& path, std::string_view why) {
    const std::string aside = path + ".damaged";
    std::error_code ignored;
    const auto size = std::filesystem::file_size(path, ignored);
    floor_.raise(zone_ && !ignored ? zone_->serial() + static_cast<uint32_t>(size / entryBytesLeast) : 0);
    if (std::rename(path.c_str(), aside.c_str()) != 0) return storageError("cannot move aside", path);
    logError("dns", "{} is damaged and was moved to {}: {}", path, aside, why);
    return {};
}

Result<void> ZoneJournal::readZoneFile() {
    if (!fileExists(zonePath_)) return {};
    const std::string file = TRY(readFile(zonePath_, zoneFileBytesMax));
    auto zone = decodeZone(file);
    if (!zone) return moveAside(zonePath_, describe(zone.error()));
    if ((*zone)->origin() != origin_) return moveAside(zonePath_, "it holds the zone " + (*zone)->origin().toText());
    zone_ = *std::move(zone);
    zoneFileBytes_ = file.size();
    return {};
}

Result<void> ZoneJournal::readJournal() {
    if (!fileExists(journalPath_)) return {};
    if (!zone_) return moveAside(journalPath_, "there is no zone it could be applied to");
    const std::string file = TRY(readFile(journalPath_, zoneFileBytesMax));
    if (file.size() < journalMagic.size() && journalMagic.starts_with(file)) {
        mustFold_ = true;  // torn before its first entry
        return {};
    }
    if (!file.starts_with(journalMagic)) {
        mustFold_ = true;
        return moveAside(journalPath_, "it does not begin like a journal");
    }
    std::vector<Entry> entries;
    FrameReader frames(file, journalMagic.size());
    auto step = FrameReader::Step::end;
    std::string problem;
    size_t good = journalMagic.size();
    while ((step = frames.next()) == FrameReader::Step::frame) {
        auto change = decodeChange(frames.payload());
        if (!change) problem = describe(change.error());
        if (change && !entries.empty() && entries.back().change->toSerial != change->fromSerial)
            problem = "its entries do not follow each other";
        if (!problem.empty()) break;
        entries.push_back({std::make_shared<const ZoneChange>(*std::move(change)), frames.position() - good});
        good = frames.position();
    }
    if (step == FrameReader::Step::damaged) problem = "a checksum does not fit";
    if (step == FrameReader::Step::torn) {
        logWarning("dns", "the last {} octets of {} were torn by a crash and are dropped", file.size() - good,
                   journalPath_);
        mustFold_ = true;
    }
    if (auto replayed = replay(entries); !replayed && problem.empty()) problem = describe(replayed.error());
    if (!problem.empty()) {
        mustFold_ = true;
        return moveAside(journalPath_, problem);
    }
    journalBytes_ = file.size();
    return mustFold_ ? Result<void>() : openJournal();
}

// Entries that lead to the zone file's serial are history; the others are applied. A journal none of whose entries has
// to do with the zone file is older than it: a crash came between a whole new zone and its empty journal.
Result<void> ZoneJournal::replay(const std::vector<Entry>& entries) {
    const auto touches = [&](const Entry& entry) {
        return entry.change->fromSerial == zone_->serial() || entry.change->toSerial == zone_->serial();
    };
    bool related = false;
    for (const Entry& entry : entries) related |= touches(entry);
    if (!related) {
        mustFold_ |= !entries.empty();
        if (!entries.empty() && isNewerSerial(entries.front().change->fromSerial, zone_->serial()))
            return fail(ErrorCode::InvalidInput, "it begins after the zone file's serial");
        return {};
    }
    for (const Entry& entry : entries) {
        if (entry.change->fromSerial == zone_->serial()) zone_ = TRY(zone_->with(*entry.change));
        remember(entry);
    }
    return {};
}

void ZoneJournal::remember(Entry entry) {
    historyBytes_ += entry.bytes;
    history_.push_back(std::move(entry));
    while (historyBytes_ > zoneHistoryBytesMax) {
        historyBytes_ -= history_.front().bytes;
        history_.pop_front();
    }
}

Result<void> ZoneJournal::openJournal() {
    journal_ = Fd(::open(journalPath_.c_str(), O_WRONLY | O_CLOEXEC));
    if (!journal_.valid()) return storageError("cannot open", journalPath_);
    return {};
}

ZonePointer ZoneJournal::zone() const {
    const std::lock_guard lock(mutex_);
    return zone_;
}

std::optional<uint32_t> ZoneJournal::serialFloor() const {
    const std::lock_guard lock(mutex_);
    return floor_.get();
}

Result<void> ZoneJournal::append(std::shared_ptr<const ZoneChange> change, ZonePointer next) {
    const std::lock_guard lock(mutex_);
    SWB_ASSERT(zone_ && next && next->isMadeFrom(*zone_), "a change is applied to the zone it is appended to");
    if (mustFold_) TRY_VOID(fold());
    std::string payload, frame;
    encodeChange(*change, payload);
    appendFrame(frame, payload);
    TRY_VOID(writeFrame(frame));
    zone_ = std::move(next);
    floor_.reached(zone_->serial());
    remember({std::move(change), frame.size()});
    return {};
}

Result<void> ZoneJournal::writeFrame(std::string_view frame) {
    auto written = writeAt(journal_.get(), frame, journalBytes_, journalPath_);
    if (written && ::fdatasync(journal_.get()) == 0) {
        journalBytes_ += frame.size();
        return {};
    }
    // Which of these octets reached the disk is not known. What stands in the file must not be found by a restart as
    // if it had been acknowledged; when it cannot be cut off either, the next change writes the zone file whole.
    const auto problem = written ? storageError("cannot flush", journalPath_) : fail(std::move(written).error());
    mustFold_ = ::ftruncate(journal_.get(), static_cast<off_t>(journalBytes_)) != 0 || written.has_value();
    return problem;
}

Result<void> ZoneJournal::replace(ZonePointer next) {
    const std::lock_guard lock(mutex_);
    if (zone_) TRY_VOID(checkSuccessor(*zone_, *next));
    TRY_VOID(writeZoneFile(*next));
    zone_ = std::move(next);
    floor_.reached(zone_->serial());
    history_.clear();
    historyBytes_ = 0;
    // From here on the new zone is what a restart finds, whatever becomes of the old journal.
    mustFold_ = true;
    if (auto emptied = rewriteJournal(); !emptied)
        logWarning("dns", "the journal stays as it was: {}", describe(emptied.error()));
    return {};
}

Result<void> ZoneJournal::foldIfGrown() {
    const std::lock_guard lock(mutex_);
    if (!mustFold_ && journalBytes_ < std::max(foldAtBytes, zoneFileBytes_ / 2)) return {};
    return zone_ ? fold() : Result<void>();
}

// Zone file first: whatever happens between the two, the old journal's entries lead to the zone file's serial.
Result<void> ZoneJournal::fold() {
    TRY_VOID(writeZoneFile(*zone_));
    return rewriteJournal();
}

Result<void> ZoneJournal::rewriteJournal() {
    std::string file(journalMagic), payload;
    for (const Entry& entry : history_) {
        payload.clear();
        encodeChange(*entry.change, payload);
        appendFrame(file, payload);
    }
    TRY_VOID(writeFileAtomically(journalPath_, file));
    TRY_VOID(openJournal());
    journalBytes_ = file.size();
    mustFold_ = false;
    return {};
}

Result<void> ZoneJournal::writeZoneFile(const ZoneSnapshot& zone) {
    const std::string file = encodeZone(zone);
    if (file.size() > zoneFileBytesMax)
        return fail(ErrorCode::TooLarge, "the zone takes " + std::to_string(file.size()) + " bytes as a file");
    TRY_VOID(writeFileAtomically(zonePath_, file));
    zoneFileBytes_ = file.size();
    return {};
}

std::optional<std::vector<std::shared_ptr<const ZoneChange>>> ZoneJournal::changesSince(uint32_t serial) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<const ZoneChange>> changes;
    if (!zone_) return {};
    if (zone_->serial() == serial) return changes;
    for (const Entry& entry : history_)
        if (!changes.empty() || entry.change->fromSerial == serial) changes.push_back(entry.change);
    if (changes.empty()) return {};
    return changes;
}

}  // namespace swb::dns
