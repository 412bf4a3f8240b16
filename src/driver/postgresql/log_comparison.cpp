#include "driver/postgresql/log_comparison.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/fd.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

constexpr size_t pageAddressInHeader = 8;  // xlp_pageaddr
constexpr size_t walMessageHeader = 25;    // 'w', where it starts, the log's end, the time

// One segment file of ours, open for comparing.
class OwnSegment {
  public:
    OwnSegment(const Instance& instance, uint32_t timeline, Lsn begin, const WalLayout& layout) : begin_(begin) {
        const ActAs acting(instance.user());
        const std::string path = instance.dataFile("pg_wal/" + walFileName(timeline, begin, layout.segmentBytes));
        file_ = Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    }
    // False for a recycled file, which has the name of a segment to come and the pages of a former one.
    bool isWritten() const {
        const std::string address = read(begin_ + pageAddressInHeader, sizeof(uint64_t));
        uint64_t position = ~begin_;
        if (address.size() == sizeof position) std::memcpy(&position, address.data(), sizeof position);
        return position == begin_;
    }
    std::string read(Lsn position, size_t size) const {
        std::string bytes(size, '\0');
        const ssize_t got =
            file_.valid() ? ::pread(file_.get(), bytes.data(), size, static_cast<off_t>(position - begin_)) : 0;
        bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
        return bytes;
    }

  private:
    Lsn begin_;
    Fd file_;
};

uint64_t bigEndian(std::string_view bytes) {
    uint64_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
}

class Comparison {
  public:
    Comparison(const Instance& instance, const Peer& peer, uint32_t timeline, const Context& context)
        : instance_(instance), peer_(peer), timeline_(timeline), context_(context) {}

    // The first position before `end` whose byte the peer has not; NotFound when the peer no longer keeps that log.
    Result<std::optional<Lsn>> difference(const OwnSegment& own, Lsn begin, Lsn end) {
        Lsn compared = begin;
        std::optional<Lsn> found;
        std::string spoilt;
        auto connection = TRY(instance_.replicationConnection(peer_, context_.deadline));
        const auto take = [&](std::string_view message) {
            if (message.empty() || message.front() != 'w') return true;
            if (message.size() < walMessageHeader || bigEndian(message.substr(1, 8)) != compared) {
                spoilt = "the peer's log does not come in one piece";
                return false;
            }
            message.remove_prefix(walMessageHeader);
            message = message.substr(0, end - compared);
            const std::string mine = own.read(compared, message.size());
            const auto at =
                std::mismatch(mine.begin(), mine.end(), message.begin(), message.end()).first - mine.begin();
            compared += static_cast<Lsn>(at);
            if (static_cast<size_t>(at) < message.size()) found = compared;
            return !found && compared < end;
        };
        const auto streamed =
            connection.stream(fmt::format("START_REPLICATION PHYSICAL {} TIMELINE {}", lsnText(begin), timeline_), take,
                              context_.deadline);
        if (!spoilt.empty()) return fail(ErrorCode::ProtocolViolation, std::move(spoilt));
        if (!streamed && streamed.error().message.find("has already been removed") != std::string::npos)
            return fail(ErrorCode::NotFound, streamed.error().message);
        if (!streamed) return fail(streamed.error());
        if (!found && compared < end)
            return fail(ErrorCode::ProtocolViolation, "the peer's log ended at " + lsnText(compared));
        return found;
    }

  private:
    const Instance& instance_;
    const Peer& peer_;
    const uint32_t timeline_;
    const Context& context_;
};

// Where this server's segments of the timeline begin, newest first.
std::vector<Lsn> ownSegments(const Instance& instance, uint32_t timeline, Lsn until, const WalLayout& layout) {
    std::vector<Lsn> begins;
    {
        const ActAs acting(instance.user());
        for (const std::string& name : directoryEntries(instance.dataFile("pg_wal")))
            if (const auto segment = parseWalFileName(name, layout.segmentBytes);
                segment && segment->timeline == timeline && segment->begin < until)
                begins.push_back(segment->begin);
    }
    std::sort(begins.rbegin(), begins.rend());
    std::erase_if(begins, [&](Lsn begin) { return !OwnSegment(instance, timeline, begin, layout).isWritten(); });
    return begins;
}

// The own record at a position, by pg_waldump from the segment before it.
Result<std::optional<Lsn>> recordAt(const Instance& instance, uint32_t timeline, Lsn position, const WalLayout& layout,
                                    const std::vector<Lsn>& segments, const Context& context) {
    Lsn start = position - position % layout.segmentBytes;
    if (std::find(segments.begin(), segments.end(), start - layout.segmentBytes) != segments.end())
        start -= layout.segmentBytes;
    RecordAt wanted(position, layout);
    WalSummary lines([&wanted](Lsn begin, uint32_t bytes) { wanted.take(begin, bytes); });
    TRY_VOID(readOwnLog(instance, timeline, start, lines, context));
    return wanted.begin();
}

}  // namespace

Result<void> readOwnLog(const Instance& instance, uint32_t timeline, Lsn start, WalSummary& into,
                        const Context& context) {
    auto call = instance.programCall(
        "pg_waldump",
        {"--path=" + instance.dataFile("pg_wal"), fmt::format("--timeline={}", timeline), "--start=" + lsnText(start)});
    call.outputBytesMax = 4096;
    call.onOutput = [&into](std::string_view piece) { into.take(piece); };
    // It ends with an error where the log ends.
    TRY(runProgram(call, context));
    return {};
}

void RecordAt::take(Lsn begin, uint32_t bytes) {
    if (beyond_) return;
    if (begin > position_) {
        beyond_ = begin;
        return;
    }
    last_ = begin;
    lastEnd_ = endOfRecord(begin, bytes, layout_);
}

std::optional<Lsn> RecordAt::begin() const {
    return last_ && lastEnd_ > position_ ? last_ : beyond_;
}

Result<std::optional<Parting>> partingOf(const Instance& instance, const Peer& peer, uint32_t timeline, Lsn until,
                                         Lsn sourceEnd, const Context& context) {
    const ControlFile control = TRY(instance.control());
    const WalLayout layout{control.walBlockBytes, control.walSegmentBytes};
    const std::vector<Lsn> segments = ownSegments(instance, timeline, until, layout);
    Comparison comparison(instance, peer, timeline, context);
    std::optional<Lsn> parted;
    if (sourceEnd < until) parted = sourceEnd;
    for (const Lsn begin : segments) {
        const Lsn end = std::min({begin + layout.segmentBytes, until, sourceEnd});
        if (end <= begin) continue;
        const auto difference = comparison.difference(OwnSegment(instance, timeline, begin, layout), begin, end);
        if (!difference && difference.error().code == ErrorCode::NotFound)
            return std::optional<Parting>({segments.back(), false});
        TRY_VOID(difference);
        if (!*difference) break;
        parted = *difference;
        // Where the first page is the same, so is all before it: records point back, and have checksums and times.
        if (**difference >= begin + layout.blockBytes) break;
    }
    if (!parted) return std::optional<Parting>();
    const auto record = TRY(recordAt(instance, timeline, *parted, layout, segments, context));
    return record && *record < until ? std::optional<Parting>({*record, true}) : std::optional<Parting>();
}

}  // namespace swb::driver::postgresql
