#include "driver/postgresql/divergence.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "base/file.h"
#include "driver/postgresql/log_comparison.h"
#include "driver/support/files.h"
#include "driver/support/seed_places.h"

namespace swb::driver::postgresql {

namespace {

constexpr const char* reportName = "report.json";
constexpr uint32_t firstUserFile = 16384;  // FirstNormalObjectId: below are the system catalogs

struct Stretch {
    uint32_t timeline = 0;
    Lsn begin = 0;
};

// The timelines on which this server went on after the fork, with the position where each begins.
Result<std::vector<Stretch>> stretchesAfter(const Instance& instance, const Fork& fork) {
    std::vector<Stretch> stretches;
    Lsn begin = fork.position;
    for (const TimelineSpan& span : TRY(ownTimelines(instance))) {
        if (span.timeline >= fork.after) {
            stretches.push_back({span.timeline, begin});
            begin = span.end;
        }
    }
    return stretches;
}

// Segments from the fork on, of the timelines this server was on since, and all history files.
std::vector<std::string> filesToKeep(const Instance& instance, const Fork& fork, uint32_t segmentBytes) {
    std::vector<std::string> files;
    const ActAs acting(instance.user());
    const Lsn first = fork.position - fork.position % segmentBytes;
    for (const std::string& name : directoryEntries(instance.dataFile("pg_wal"))) {
        const auto segment = parseWalFileName(name, segmentBytes);
        if ((segment && segment->timeline >= fork.after && segment->begin >= first) || name.ends_with(".history"))
            files.push_back(instance.dataFile("pg_wal") + "/" + name);
    }
    return files;
}

Result<void> copyFiles(const Instance& instance, const std::vector<std::string>& files, const std::string& directory,
                       const Context& context) {
    constexpr size_t atOnce = 100;
    for (size_t at = 0; at < files.size(); at += atOnce) {
        auto call = instance.programCall("", {});
        call.argv = {"cp", "--preserve=timestamps", "--target-directory=" + directory};
        call.argv.insert(call.argv.end(), files.begin() + static_cast<ptrdiff_t>(at),
                         files.begin() + static_cast<ptrdiff_t>(std::min(at + atOnce, files.size())));
        TRY(runChecked(call, context));
    }
    return {};
}

int64_t bytesOf(const std::vector<std::string>& files) {
    int64_t bytes = 0;
    for (const std::string& file : files) {
        struct stat status {};
        if (::stat(file.c_str(), &status) == 0) bytes += status.st_size;
    }
    return bytes;
}

// Names of relations by database and file number, as far as the server can be asked.
class Names {
  public:
    Names(const Instance& instance, const Context& context) : instance_(instance), context_(context) {
        if (!instance.postmaster()) return;
        auto session = instance.session(context);
        const auto rows = session ? (*session)->query("SELECT oid, datname FROM pg_database", context.deadline)
                                  : Result<Rows>(fail(session.error()));
        if (!rows) return;
        for (const Row& row : *rows)
            databases_[static_cast<uint32_t>(std::atoll(row.at(0).value_or("0").c_str()))] = row.at(1).value_or("");
    }

    std::string of(const WalSummary::Relation& relation) {
        const auto& [database, file] = relation;
        const auto known = databases_.find(database);
        const std::string prefix = known == databases_.end() ? fmt::format("database {}", database) : known->second;
        if (file < firstUserFile) return prefix + ": system catalogs";
        const std::string name = known == databases_.end() ? "" : ask(known->second, file);
        return prefix + ": " + (name.empty() ? fmt::format("file {}", file) : name);
    }

  private:
    std::string ask(const std::string& database, uint32_t file) {
        auto found = connections_.find(database);
        if (found == connections_.end())
            found = connections_.emplace(database, instance_.connect(database, context_)).first;
        if (!found->second) return {};
        return found->second
            ->value("SELECT pg_filenode_relation(0, " + std::to_string(file) + ")::regclass::text", context_.deadline)
            .value_or("");
    }

    const Instance& instance_;
    const Context& context_;
    std::map<uint32_t, std::string> databases_;
    std::map<std::string, Result<Connection>> connections_;
};

std::string directoryFor(const Instance& instance, const Fork& fork) {
    std::string position = lsnText(fork.position);
    std::replace(position.begin(), position.end(), '/', '-');
    return fmt::format("{}.swingbridge-only-here-{}-{}", instance.data(), fork.timeline, position);
}

// The same was saved before: the log has not gone on since.
std::optional<Json> savedBefore(const Instance& instance, const std::string& directory, const OnlyHere& found) {
    const ActAs acting(instance.user());
    const auto text = readFile(directory + "/" + reportName, 1 << 20);
    auto report = text ? parseJson(*text) : Result<Json>(Json(nullptr));
    if (!report || textAt(*report, "until") != lsnText(found.summary.last())) return std::nullopt;
    return *report;
}

}  // namespace

Result<OnlyHere> readOnlyHere(const Instance& instance, const Fork& fork, const Context& context) {
    OnlyHere found;
    found.fork = fork;
    const ControlFile control = TRY(instance.control());
    const std::string first = walFileName(fork.after, fork.position, control.walSegmentBytes);
    found.complete = fileExists(instance.dataFile("pg_wal/" + first)) || control.checkpoint <= fork.position;
    for (const Stretch& stretch : TRY(stretchesAfter(instance, fork)))
        TRY_VOID(readOwnLog(instance, stretch.timeline, stretch.begin, found.summary, context));
    return found;
}

Json reportOf(const Instance& instance, const OnlyHere& found, const Context& context) {
    constexpr size_t namesMax = 50;
    constexpr int64_t askMs = 5000;
    const Context asking = withDeadline(context, within(context, askMs));
    std::vector<std::pair<int64_t, WalSummary::Relation>> order;
    for (const auto& [relation, changes] : found.summary.changes()) order.emplace_back(changes, relation);
    std::sort(order.rbegin(), order.rend());
    Names names(instance, asking);
    std::vector<std::pair<std::string, int64_t>> named;
    for (const auto& [changes, relation] : order) {
        const std::string name = names.of(relation);
        const auto same = std::find_if(named.begin(), named.end(), [&](const auto& one) { return one.first == name; });
        if (same != named.end())
            same->second += changes;
        else if (named.size() < namesMax)
            named.emplace_back(name, changes);
    }
    JsonArray relations;
    for (const auto& [name, changes] : named) relations.push_back(JsonObject{{"name", name}, {"changes", changes}});
    const WalSummary& summary = found.summary;
    Json report = JsonObject{{"timeline", found.fork.timeline},
                             {"since", lsnText(found.fork.position)},
                             {"until", lsnText(summary.last())},
                             {"commits", summary.commits()},
                             {"firstCommit", summary.firstCommit()},
                             {"lastCommit", summary.lastCommit()},
                             {"relations", std::move(relations)},
                             {"complete", found.complete},
                             {"exact", found.fork.exact}};
    report.as_object()["sentence"] = describeOnlyHere(report);
    return report;
}

Result<Json> saveOnlyHere(const Instance& instance, const Fork& fork, const Context& context) {
    constexpr int64_t spareBytes = 64 << 20;
    const OnlyHere found = TRY(readOnlyHere(instance, fork, context));
    if (!found.any()) return Json(nullptr);
    const std::string directory = directoryFor(instance, fork), partial = directory + ".part";
    if (auto before = savedBefore(instance, directory, found)) return std::move(*before);
    const auto files = filesToKeep(instance, fork, TRY(instance.control()).walSegmentBytes);
    const SeedPlaces places = SeedPlaces::of(instance);
    TRY_VOID(places.requireRoom(bytesOf(files) + spareBytes));
    context.progress(0, 0, "saving what only this server has");
    TRY_VOID(places.make(partial, instance.user()));
    TRY_VOID(copyFiles(instance, files, partial, context));
    Json report = reportOf(instance, found, context);
    report.as_object()["directory"] = directory;
    report.as_object()["sentence"] = describeOnlyHere(report);
    TRY_VOID(writeFileAs(instance.user(), partial + "/" + reportName, toText(report) + "\n", 0600));
    TRY_VOID(flushFileSystem(partial));
    TRY_VOID(removeTree(directory));
    if (::rename(partial.c_str(), directory.c_str()) != 0)
        return fail(ErrorCode::StorageFailed, partial + " cannot be renamed to " + directory);
    TRY_VOID(flushDirectory(places.parent));
    return report;
}

Result<Json> saveOnlyHere(const Instance& instance, const Peer& peer, const Context& context) {
    if (!instance.hasData()) return Json(nullptr);
    constexpr int64_t peerMs = 60'000;
    const auto fork = TRY(forkFrom(instance, peer, withDeadline(context, within(context, peerMs))));
    return fork ? saveOnlyHere(instance, *fork, context) : Result<Json>(Json(nullptr));
}

std::string describeOnlyHere(const Json& report) {
    constexpr size_t shownMax = 5;
    std::string relations;
    size_t shown = 0;
    if (const Json* list = memberAt(report, "relations"); list && list->is_array())
        for (const Json& relation : list->get_array()) {
            if (++shown > shownMax) {
                relations += ", …";
                break;
            }
            relations += fmt::format("{}{} {}", relations.empty() ? "" : ", ", textAt(relation, "name"),
                                     integerAt(relation, "changes"));
        }
    const std::string directory = textAt(report, "directory");
    return fmt::format("{}{} commits since {} of timeline {}{}{}{}", booleanAt(report, "exact") ? "" : "at most ",
                       integerAt(report, "commits"), textAt(report, "since"), integerAt(report, "timeline"),
                       relations.empty() ? "" : " (changes: " + relations + ")",
                       booleanAt(report, "complete") ? "" : ", the first of them no longer in the log",
                       directory.empty() ? "" : ", saved in " + directory);
}

}  // namespace swb::driver::postgresql
