// global/pg_control: what a server knows of itself when nobody can ask it. The layout of everything read here is the
// same in PostgreSQL 13 to 18 on 64-bit machines. The server overwrites the file in place, so a reader may see half of
// a write: the CRC tells.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "driver/postgresql/lsn.h"

namespace swb::driver::postgresql {

// DBState of the server's own header.
enum class ControlState : int32_t {
    startup = 0,
    shutDown = 1,            // a primary, cleanly: the only state that yields a token
    shutDownInRecovery = 2,  // a replica, cleanly
    shuttingDown = 3,
    inCrashRecovery = 4,
    inArchiveRecovery = 5,
    inProduction = 6,
};

std::string_view nameOf(ControlState state);

struct ControlFile {
    uint64_t systemId = 0;
    uint32_t controlVersion = 0;
    uint32_t catalogVersion = 0;
    ControlState state = ControlState::startup;
    int64_t updatedAtSeconds = 0;  // when the file was last written, since 1970
    Lsn checkpoint = 0;            // where the latest checkpoint's record begins
    Lsn redo = 0;
    uint32_t timeline = 0;  // of the latest checkpoint
    uint32_t previousTimeline = 0;
    Lsn minimumRecovery = 0;
    uint32_t minimumRecoveryTimeline = 0;
    int32_t walLevel = 0;
    bool walLogHints = false;
    int32_t maxConnections = 0, maxWorkerProcesses = 0, maxWalSenders = 0, maxPreparedTransactions = 0,
            maxLocksPerTransaction = 0;
    uint32_t walBlockBytes = 0;
    uint32_t walSegmentBytes = 0;
    uint32_t checksumVersion = 0;

    // Its last word was a primary's, running, killed or cleanly ended.
    bool isOfPrimary() const { return state == ControlState::shutDown || state == ControlState::inProduction; }
};

// VerificationFailed when the CRC does not fit (read again), Unsupported for another layout.
Result<ControlFile> parseControlFile(std::string_view bytes);
// Reads <data>/global/pg_control, again while it is being written (for some milliseconds at most).
Result<ControlFile> readControlFile(const std::string& dataDirectory);

}  // namespace swb::driver::postgresql
