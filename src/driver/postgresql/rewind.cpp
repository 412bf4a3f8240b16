#include "driver/postgresql/rewind.h"

#include "base/fault.h"
#include "base/file.h"
#include "driver/postgresql/site_configuration.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

Result<std::string> reasonAtThePeer(const Instance& instance, const Peer& peer, const Context& context) {
    constexpr int64_t connectMs = 10'000, checkpointMs = 15 * 60'000, lookMs = 100;
    auto source = instance.rewindConnection(peer, within(context, connectMs));
    if (!source) return "the source admits no rewind: " + source.error().message;
    const int own = std::atoi(instance.readDataFile("PG_VERSION").value_or("").c_str());
    if (source->serverVersion() / 10000 != own) return std::string("the source has another major version");
    const MonotonicMs until = within(context, checkpointMs);
    for (;;) {
        const Rows rows = TRY(source->query(
            "SELECT pg_is_in_recovery(), current_setting('full_page_writes'), CASE WHEN NOT pg_is_in_recovery() THEN "
            "(SELECT timeline_id FROM pg_control_checkpoint()) = ('x' || left(pg_walfile_name("
            "pg_current_wal_insert_lsn()), 8))::bit(32)::int END",
            context.deadline));
        const Row& row = rows.at(0);
        if (row.at(0) == "t") return std::string("the source is a replica itself");
        if (row.at(1) != "on") return std::string("full_page_writes is off at the source");
        if (row.at(2) == "t") return std::string();
        if (SystemClock().monotonic() >= until || context.cancelled())
            return std::string("the source has made no checkpoint since its promotion");
        pause(lookMs);
    }
}

// What ended uncleanly, or as a standby, is brought to a clean end first; the log's end becomes a checkpoint on the
// timeline that pg_rewind will look for in pg_control.
Result<void> endCleanly(const Instance& instance, const std::string& directory, const Context& context) {
    if (TRY(readControlFile(directory)).state == ControlState::shutDown) return {};
    {
        const ActAs acting(instance.user());
        // Single-user mode knows no standby. The directory's name keeps everybody else from starting it.
        for (const char* name : {"standby.signal", "recovery.signal"}) TRY_VOID(removeFile(directory + "/" + name));
    }
    context.progress(0, 0, "recovering the old primary's log in single-user mode");
    std::vector<std::string> arguments = {"--single"};
    for (auto& argument : serverArguments(instance, directory)) arguments.push_back(std::move(argument));
    arguments.emplace_back("template1");
    TRY(runChecked(instance.programCall("postgres", std::move(arguments)), context));
    const ControlFile control = TRY(readControlFile(directory));
    if (control.state != ControlState::shutDown)
        return fail(ErrorCode::VerificationFailed,
                    "after recovery the control file says \"" + std::string(nameOf(control.state)) + "\"");
    return {};
}

Result<std::vector<std::string>> rewindArguments(const Instance& instance, const std::string& directory,
                                                 const Peer& peer, const Context& context) {
    // No secret is in the connection string: the key is a file.
    std::vector<std::string> arguments = {"--target-pgdata=" + directory,
                                          "--source-server=" + instance.rewindConnectionInfo(peer),
                                          "--no-ensure-shutdown", "--progress"};
    const bool elsewhere = instance.configurationDirectory() != instance.data();
    constexpr int configFileSince = 15;
    const int version = std::atoi(TRY(readFile(directory + "/PG_VERSION")).c_str());
    if (elsewhere && version < configFileSince) return arguments;
    if (TRY(configuredValue(instance, directory, "restore_command", context)).empty()) return arguments;
    arguments.emplace_back("--restore-target-wal");
    if (elsewhere) arguments.push_back("--config-file=" + instance.configurationDirectory() + "/postgresql.conf");
    return arguments;
}

std::string lastLine(const ProgramOutcome& outcome) {
    std::string text = outcome.errors.empty() ? outcome.output : outcome.errors;
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text.substr(text.rfind('\n') + 1);
}

// Empty when it succeeded.
Result<std::string> run(const Instance& instance, std::vector<std::string> arguments, const Context& context) {
    auto call = instance.programCall("pg_rewind", std::move(arguments));
    const auto outcome = TRY(runProgram(call, context));
    if (!outcome.succeeded()) return "pg_rewind failed: " + lastLine(outcome);
    if ((outcome.errors + outcome.output).find("no rewind required") != std::string::npos)
        return std::string("pg_rewind sees no fork where the log shows one");
    return std::string();
}

// A rewound server must find the log from the last common checkpoint on, or it would wait for ever to be consistent.
Result<std::string> reasonAgainstStart(const std::string& directory, const OsUser& user) {
    const ActAs acting(user);
    const std::string segment = firstSegmentOf(TRY(readFile(directory + "/backup_label")));
    if (segment.empty() || !fileExists(directory + "/pg_wal/" + segment))
        return "the log since the last common checkpoint (" + segment + ") is gone at the source";
    return std::string();
}

}  // namespace

std::string firstSegmentOf(std::string_view backupLabel) {
    constexpr std::string_view sign = "(file ";
    constexpr size_t nameBytes = 24;
    if (backupLabel.substr(0, 19) != "START WAL LOCATION:") return {};
    const size_t at = backupLabel.find(sign), lineEnd = backupLabel.find('\n');
    if (at == std::string_view::npos || at > lineEnd) return {};
    const std::string_view name = backupLabel.substr(at + sign.size(), nameBytes);
    return name.find_first_not_of("0123456789ABCDEF") == std::string_view::npos && name.size() == nameBytes
               ? std::string(name)
               : std::string();
}

Result<std::string> reasonAgainstRewind(const Instance& instance, const Peer& peer, const Context& context) {
    const ControlFile control = TRY(instance.control());
    if (control.checksumVersion == 0 && !control.walLogHints)
        return std::string("neither data checksums nor wal_log_hints are on");
    return reasonAtThePeer(instance, peer, context);
}

Result<RewindOutcome> rewind(const Instance& instance, const SeedPlaces& places, const Peer& peer,
                             const Context& context) {
    const std::string& directory = places.fresh;
    const auto refused = [](std::string reason) { return RewindOutcome{RewindEnd::refused, std::move(reason)}; };
    const auto broken = [](std::string reason) { return RewindOutcome{RewindEnd::broken, std::move(reason)}; };
    if (const auto ended = endCleanly(instance, directory, context); !ended)
        return refused("it could not be brought to a clean end: " + ended.error().message);
    auto arguments = TRY(rewindArguments(instance, directory, peer, context));
    auto dry = arguments;
    dry.emplace_back("--dry-run");
    if (std::string reason = TRY(run(instance, std::move(dry), context)); !reason.empty())
        return refused(std::move(reason));
    faultPoint("seed", instance.spec().name, "rewind");
    context.progress(0, 0, "rewinding to where the histories parted");
    if (std::string reason = TRY(run(instance, std::move(arguments), context)); !reason.empty())
        return broken(std::move(reason));
    faultPoint("seed", instance.spec().name, "rewound");
    if (std::string reason = TRY(reasonAgainstStart(directory, instance.user())); !reason.empty())
        return broken(std::move(reason));
    return RewindOutcome{};
}

}  // namespace swb::driver::postgresql
