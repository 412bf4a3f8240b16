// One writer: orders with unique tags through the failover address, one after the other, each sent once.
#pragma once

#include <atomic>
#include <string>

#include "lab/failover_resolver.h"
#include "lab/score.h"

namespace swb::lab {

// What all writers share while they run.
struct LoadProgress {
    std::atomic<bool> stop{false};
    std::atomic<int64_t> acknowledged{0}, failed{0};
    std::atomic<int64_t> lastAtUs{0}, longestGapUs{0};  // between acknowledgements of any writers
};

struct WriterSettings {
    std::string tagPrefix;     // "load-x7k2-3-": of this run and this writer
    double intervalMs = 0;     // between two orders of this writer; 0: as fast as they are answered
    int64_t timeoutMs = 5000;  // of one order
    std::string host;          // for the Host header
};

WriterNotes writeOrders(const WriterSettings& settings, FailoverResolver& resolver, LoadProgress& progress);

// {"ids": {"postgresql": 7, …}, …}; empty when there are none.
std::map<std::string, int64_t> orderIds(std::string_view body);

}  // namespace swb::lab
