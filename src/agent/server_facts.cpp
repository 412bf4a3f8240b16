#include "agent/server_facts.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include <set>

#include "base/clock.h"
#include "base/file.h"

namespace swb::agent {
namespace {

JsonArray disks(const std::vector<std::string>& paths) {
    JsonArray list;
    std::set<dev_t> seen;
    for (const auto& path : paths) {
        struct stat file {};
        struct statvfs system {};
        if (::stat(path.c_str(), &file) != 0 || !seen.insert(file.st_dev).second) continue;
        if (::statvfs(path.c_str(), &system) != 0) continue;
        const auto blockBytes = static_cast<int64_t>(system.f_frsize);
        list.push_back(JsonObject{{"path", path},
                                  {"freeBytes", blockBytes * static_cast<int64_t>(system.f_bavail)},
                                  {"totalBytes", blockBytes * static_cast<int64_t>(system.f_blocks)}});
    }
    return list;
}

}  // namespace

Json serverFacts(const std::string& agentVersion, const std::vector<std::string>& paths) {
    char hostname[256] = "";
    ::gethostname(hostname, sizeof hostname - 1);
    struct sysinfo system {};
    ::sysinfo(&system);
    const double load = static_cast<double>(system.loads[0]) / (1 << SI_LOAD_SHIFT);
    return JsonObject{{"time", SystemClock().now()},
                      {"hostname", hostname},
                      {"agentVersion", agentVersion},
                      {"uptimeSeconds", static_cast<int64_t>(system.uptime)},
                      {"loadAverage", load},
                      {"memoryBytes", static_cast<int64_t>(system.totalram) * static_cast<int64_t>(system.mem_unit)},
                      {"disks", disks(paths)}};
}

std::string bootId() {
    auto text = readFile("/proc/sys/kernel/random/boot_id", 256);
    if (!text) return "unknown";
    while (!text->empty() && text->back() == '\n') text->pop_back();
    return *text;
}

}  // namespace swb::agent
