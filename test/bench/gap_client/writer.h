// One writer: inserts a tag, waits for the reply, notes it as acknowledged, sleeps, and begins again; after any error
// it drops its session and connects anew at once. A tag is never sent twice, so a row that is there twice was doubled
// by the servers, not by the client.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "gap_client/acknowledgement_log.h"
#include "gap_client/session.h"

namespace swb::bench {

struct WriterOptions {
    int number = 0;
    int pauseMs = 2;  // between writes, and between failed attempts to connect
};

struct WriterReport {
    uint64_t attempts = 0;
    uint64_t acknowledged = 0;
    uint64_t connects = 0;
    std::map<Trouble, uint64_t> troubles;
};

// Runs until `stop`; blocking, one thread each.
WriterReport runWriter(const WriterOptions& options, Session& session, AcknowledgementLog& log,
                       const std::atomic<bool>& stop);

}  // namespace swb::bench
