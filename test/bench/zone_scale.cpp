// One zone with many groups, measured: time to build, memory, time to load from disk, time of one switch (draft, with,
// journal, publish), time of a group that comes, look-ups.
//
//     swb_zone_scale [GROUPS] [DIRECTORY]      100,000 groups in a temporary directory unless said otherwise
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "dns/answer.h"
#include "dns/snapshot_cell.h"
#include "dns/zone_journal.h"

namespace {

using namespace swb;
using namespace swb::dns;

double secondsSince(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double residentMebibytes() {
    std::ifstream file("/proc/self/statm");
    size_t total = 0, resident = 0;
    file >> total >> resident;
    return static_cast<double>(resident) * static_cast<double>(::sysconf(_SC_PAGESIZE)) / (1 << 20);
}

Name groupName(size_t number) {
    char text[64];
    std::snprintf(text, sizeof text, "%03zu-%03zu-%03zu.failover.example", number * 7 % 1000, number / 1000,
                  number % 1000);
    return *Name::fromText(text);
}

FailoverAddress groupAddress(size_t number, int64_t epoch) {
    const std::string address = "10." + std::to_string(epoch % 250) + "." + std::to_string(number / 250 % 250) + "." +
                                std::to_string(number % 250 + 1);
    return {"fg-" + std::to_string(1000000 + number), epoch, groupName(number), 300, {*IpAddress::fromText(address)}};
}

void report(const char* what, std::vector<double> milliseconds) {
    std::sort(milliseconds.begin(), milliseconds.end());
    std::printf("%-44s median %8.3f ms   p99 %8.3f ms   largest %8.3f ms\n", what,
                milliseconds[milliseconds.size() / 2], milliseconds[milliseconds.size() * 99 / 100],
                milliseconds.back());
}

Result<void> publish(ZoneJournal& journal, SnapshotCell& cell, const ZoneEdits& edits) {
    auto change = std::make_shared<const ZoneChange>(TRY(journal.zone()->draft(edits)));
    ZonePointer next = TRY(journal.zone()->with(*change));
    TRY_VOID(journal.append(std::move(change), next));
    cell.publish(cell.current()->with(std::move(next)));
    return {};
}

Result<void> measureChanges(ZoneJournal& journal, SnapshotCell& cell, size_t groups) {
    std::vector<double> switches, inMemory, arrivals;
    for (size_t i = 0; i < 1000; ++i) {
        const size_t number = i * 7919 % groups;
        ZoneEdits edits;
        edits.addresses = {groupAddress(number, 2 + static_cast<int64_t>(i))};
        auto start = std::chrono::steady_clock::now();
        TRY(journal.zone()->with(TRY(journal.zone()->draft(edits))));
        inMemory.push_back(secondsSince(start) * 1000);
        start = std::chrono::steady_clock::now();
        TRY_VOID(publish(journal, cell, edits));
        switches.push_back(secondsSince(start) * 1000);
    }
    for (size_t i = 0; i < 20; ++i) {
        ZoneEdits edits;
        edits.addresses = {groupAddress(groups + i, 1)};
        const auto start = std::chrono::steady_clock::now();
        TRY_VOID(publish(journal, cell, edits));
        arrivals.push_back(secondsSince(start) * 1000);
    }
    report("a switch: draft and with, no disk", inMemory);
    report("a switch: draft, with, journal, publish", switches);
    report("a new group (a name comes)", arrivals);
    return {};
}

void measureLookups(const ZoneSnapshot& zone, size_t groups) {
    std::vector<Name> names;
    for (size_t i = 0; i < 100'000; ++i) names.push_back(groupName(i * 7919 % (groups + groups / 10)));
    size_t found = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const Name& name : names) {
        const auto result = zone.lookup(HashedName(name), type::a);
        found += result.node && result.node.find(type::a) ? 1u : 0u;
    }
    std::printf("%-44s %.0f ns each, %zu of %zu found\n", "look-ups, all names cold",
                secondsSince(start) * 1e9 / static_cast<double>(names.size()), found, names.size());
}

Result<void> run(size_t groups, const std::string& directory) {
    ZoneDefinition definition;
    definition.origin = TRY(Name::fromText("failover.example"));
    definition.nameServers = {{TRY(Name::fromText("ns1.failover.example")), {TRY(IpAddress::fromText("192.0.2.1"))}}};
    for (size_t i = 0; i < groups; ++i) definition.addresses.push_back(groupAddress(i, 1));
    const Name origin = definition.origin;
    auto start = std::chrono::steady_clock::now();
    ZonePointer zone = TRY(ZoneSnapshot::build(std::move(definition)));
    std::printf("%-44s %.0f ms, %zu names\n", "build from a definition", secondsSince(start) * 1000, zone->nodeCount());
    definition = {};
    {
        const auto journal = TRY(ZoneJournal::open(directory, origin));
        start = std::chrono::steady_clock::now();
        TRY_VOID(journal->replace(std::move(zone)));
        std::printf("%-44s %.0f ms, %.1f MiB\n", "write the zone file", secondsSince(start) * 1000,
                    static_cast<double>(std::filesystem::file_size(directory + "/zone")) / (1 << 20));
    }
    ::malloc_trim(0);
    const double before = residentMebibytes();
    start = std::chrono::steady_clock::now();
    const auto journal = TRY(ZoneJournal::open(directory, origin));
    std::printf("%-44s %.0f ms\n", "load from disk", secondsSince(start) * 1000);
    ::malloc_trim(0);
    std::printf("%-44s %.1f MiB (the whole process %.1f MiB)\n", "memory of the zone", residentMebibytes() - before,
                residentMebibytes());
    SnapshotCell cell(ZoneSet::of({journal->zone()}));
    TRY_VOID(measureChanges(*journal, cell, groups));
    measureLookups(*journal->zone(), groups);
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    const size_t groups = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 100'000;
    std::string pattern = "/tmp/swb-zone-scale-XXXXXX";
    const std::string directory = argc > 2 ? argv[2] : ::mkdtemp(pattern.data());
    const auto result = run(groups, directory);
    if (argc <= 2) std::filesystem::remove_all(directory);
    if (result) return 0;
    std::fprintf(stderr, "%s\n", swb::describe(result.error()).c_str());
    return 1;
}
