#include "driver/postgresql/control_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "base/fd.h"
#include "driver/postgresql/crc32c.h"

namespace swb::driver::postgresql {

namespace {

// Offsets in struct ControlFileData.
enum Offset : size_t {
    systemIdAt = 0,
    controlVersionAt = 8,
    catalogVersionAt = 12,
    stateAt = 16,
    updatedAt = 24,
    checkpointAt = 32,
    redoAt = 40,
    timelineAt = 48,
    previousTimelineAt = 52,
    minimumRecoveryAt = 136,
    minimumRecoveryTimelineAt = 144,
    walLevelAt = 172,
    walLogHintsAt = 176,
    maxConnectionsAt = 180,
    maxWorkerProcessesAt = 184,
    maxWalSendersAt = 188,
    maxPreparedTransactionsAt = 192,
    maxLocksPerTransactionAt = 196,
    walBlockBytesAt = 224,
    walSegmentBytesAt = 228,
    checksumVersionAt = 252,
    crcAt = 288,
    crcAt18 = 292,  // behind default_char_signedness
};

constexpr uint32_t controlVersion13 = 1300;  // 13 to 16
constexpr uint32_t controlVersion17 = 1700;
constexpr uint32_t controlVersion18 = 1800;

template <typename Value>
Value valueAt(std::string_view bytes, size_t offset) {
    Value value;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return value;
}

bool isPowerOfTwo(uint32_t number) {
    return number && (number & (number - 1)) == 0;
}

}  // namespace

std::string_view nameOf(ControlState state) {
    switch (state) {
        case ControlState::startup:
            return "starting up";
        case ControlState::shutDown:
            return "shut down";
        case ControlState::shutDownInRecovery:
            return "shut down in recovery";
        case ControlState::shuttingDown:
            return "shutting down";
        case ControlState::inCrashRecovery:
            return "in crash recovery";
        case ControlState::inArchiveRecovery:
            return "in archive recovery";
        case ControlState::inProduction:
            return "in production";
    }
    return "unrecognized";
}

Result<ControlFile> parseControlFile(std::string_view bytes) {
    if (bytes.size() < crcAt18 + sizeof(uint32_t))
        return fail(ErrorCode::VerificationFailed, "pg_control is too short");
    ControlFile control;
    control.controlVersion = valueAt<uint32_t>(bytes, controlVersionAt);
    if (control.controlVersion != controlVersion13 && control.controlVersion != controlVersion17 &&
        control.controlVersion != controlVersion18)
        return fail(ErrorCode::Unsupported,
                    "pg_control has the version number " + std::to_string(control.controlVersion),
                    "PostgreSQL 13 to 18 are supported.");
    const size_t checksumAt = control.controlVersion == controlVersion18 ? crcAt18 : crcAt;
    if (crc32cFinish(crc32cAdd(crc32cStart, bytes.substr(0, checksumAt))) != valueAt<uint32_t>(bytes, checksumAt))
        return fail(ErrorCode::VerificationFailed, "the checksum of pg_control does not fit");
    control.systemId = valueAt<uint64_t>(bytes, systemIdAt);
    control.catalogVersion = valueAt<uint32_t>(bytes, catalogVersionAt);
    control.state = static_cast<ControlState>(valueAt<int32_t>(bytes, stateAt));
    control.updatedAtSeconds = valueAt<int64_t>(bytes, updatedAt);
    control.checkpoint = valueAt<Lsn>(bytes, checkpointAt);
    control.redo = valueAt<Lsn>(bytes, redoAt);
    control.timeline = valueAt<uint32_t>(bytes, timelineAt);
    control.previousTimeline = valueAt<uint32_t>(bytes, previousTimelineAt);
    control.minimumRecovery = valueAt<Lsn>(bytes, minimumRecoveryAt);
    control.minimumRecoveryTimeline = valueAt<uint32_t>(bytes, minimumRecoveryTimelineAt);
    control.walLevel = valueAt<int32_t>(bytes, walLevelAt);
    control.walLogHints = bytes[walLogHintsAt] != 0;
    control.maxConnections = valueAt<int32_t>(bytes, maxConnectionsAt);
    control.maxWorkerProcesses = valueAt<int32_t>(bytes, maxWorkerProcessesAt);
    control.maxWalSenders = valueAt<int32_t>(bytes, maxWalSendersAt);
    control.maxPreparedTransactions = valueAt<int32_t>(bytes, maxPreparedTransactionsAt);
    control.maxLocksPerTransaction = valueAt<int32_t>(bytes, maxLocksPerTransactionAt);
    control.walBlockBytes = valueAt<uint32_t>(bytes, walBlockBytesAt);
    control.walSegmentBytes = valueAt<uint32_t>(bytes, walSegmentBytesAt);
    control.checksumVersion = valueAt<uint32_t>(bytes, checksumVersionAt);
    constexpr uint32_t segmentMin = 1 << 20, segmentMax = 1 << 30, blockMin = 1 << 10, blockMax = 1 << 16;
    if (!isPowerOfTwo(control.walSegmentBytes) || control.walSegmentBytes < segmentMin ||
        control.walSegmentBytes > segmentMax || !isPowerOfTwo(control.walBlockBytes) ||
        control.walBlockBytes < blockMin || control.walBlockBytes > blockMax)
        return fail(ErrorCode::Unsupported, "pg_control describes WAL of impossible sizes");
    return control;
}

Result<ControlFile> readControlFile(const std::string& dataDirectory) {
    const std::string path = dataDirectory + "/global/pg_control";
    constexpr int attempts = 20;
    Result<ControlFile> control = fail(ErrorCode::VerificationFailed, path + " was not read");
    for (int attempt = 0; attempt < attempts; ++attempt) {
        if (attempt > 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
        const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        if (!file.valid())
            return fail(ErrorCode::StorageFailed, path + " cannot be opened: " + std::strerror(errno),
                        "Check the service's data directory in the application definition.");
        char bytes[512];
        const ssize_t size = ::pread(file.get(), bytes, sizeof bytes, 0);
        if (size < 0) return fail(ErrorCode::StorageFailed, path + " cannot be read: " + std::strerror(errno));
        control = parseControlFile(std::string_view(bytes, static_cast<size_t>(size)));
        if (control || control.error().code != ErrorCode::VerificationFailed) break;
    }
    if (!control) return fail(control.error().within(path));
    return control;
}

}  // namespace swb::driver::postgresql
