#include "base/file_limit.h"

#include <sys/resource.h>

#include <atomic>

#include "base/log.h"

namespace swb {
namespace {

std::atomic<uint64_t> atStart{0};

}  // namespace

FileLimit raiseFileLimit(std::string_view component) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    FileLimit out{limit.rlim_cur, limit.rlim_cur};
    atStart = out.before;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (::setrlimit(RLIMIT_NOFILE, &limit) == 0) out.now = limit.rlim_cur;
    }
    if (out.now < fileLimitLow)
        logWarning(component,
                   "only {} files and connections may be open; raise the hard limit (LimitNOFILE= of its unit)",
                   out.now);
    return out;
}

uint64_t fileLimitAtStart() {
    return atStart;
}

}  // namespace swb
