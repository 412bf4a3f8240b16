#include "driver/mariadb/physical_copy.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <future>

#include "base/file.h"
#include "base/log.h"
#include "driver/mariadb/source.h"
#include "driver/support/files.h"

namespace swb::driver::mariadb {

namespace {

constexpr int64_t copyMs = 7 * 24 * 3600'000LL;  // as long as a seed may take
// Newer releases name it by themselves.
constexpr const char* positionFiles[] = {"mariadb_backup_binlog_info", "xtrabackup_binlog_info"};

std::vector<std::string> backupArguments(const Instance& instance) {
    return {"--no-defaults", "--backup", "--stream=mbstream", "--socket=" + instance.socket(),
            "--user=" + instance.spec().service.superuser,
            // Of its own small files; the stream goes to its stdout.
            "--target-dir=" + instance.data() + ".swingbridge-out", "--datadir=" + instance.data()};
}

// A program and the descriptor that it reads or writes, which it and nobody else keeps open.
std::future<Result<ProgramOutcome>> runWith(ProgramCall call, int ProgramCall::*stream, Fd end, Context context) {
    return std::async(std::launch::async,
                      [call = std::move(call), stream, end = std::move(end), context = std::move(context)]() mutable {
                          call.*stream = end.get();
                          auto outcome = runChecked(call, context);
                          end.reset();
                          return outcome;
                      });
}

// All that comes out of the pipe.
Result<void> pour(int from, CopySink& sink) {
    std::string buffer(dataFrameBytesMax, '\0');
    for (;;) {
        constexpr int lookMs = 100;
        pollfd waited{from, POLLIN, 0};
        if (sink.cancelled()) return fail(ErrorCode::Interrupted, "the agent ends");
        if (::poll(&waited, 1, lookMs) <= 0) continue;
        const ssize_t size = ::read(from, buffer.data(), buffer.size());
        if (size == 0) return {};
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) return fail(ErrorCode::StorageFailed, std::string("the copy ended: ") + std::strerror(errno));
        TRY_VOID(sink.data({buffer.data(), static_cast<size_t>(size)}));
    }
}

Result<void> give(const Instance& instance, CopySink& sink) {
    Context context;
    context.deadline = SystemClock().monotonic() + copyMs;
    auto stopped = std::make_shared<std::atomic<bool>>(false);
    context.cancelled = [stopped, &sink] { return *stopped || sink.cancelled(); };
    ProgramCall call =
        callAs(instance.superuserAccount(), instance.program("mariadb-backup"), backupArguments(instance));
    if (findProgram(call.argv[0]).empty())
        return fail(ErrorCode::CommandFailed, "mariadb-backup is not installed at the source",
                    "Install it there, of the server's own version.");
    const std::string out = instance.data() + ".swingbridge-out";
    TRY_VOID(removeTree(out));
    TRY_VOID(sink.header({{"bytes", treeBytes(instance.data())}, {"format", "mbstream"}}));
    auto [readEnd, writeEnd] = TRY(makePipe());
    auto backup = runWith(std::move(call), &ProgramCall::standardOutput, std::move(writeEnd), context);
    const auto poured = pour(readEnd.get(), sink);
    if (!poured) *stopped = true;
    readEnd.reset();
    const auto outcome = backup.get();
    (void)removeTree(out);
    TRY_VOID(poured);
    if (!outcome) return fail(outcome.error());
    return {};
}

// Everything into the program's stdin. A program that went says why by its own outcome.
Result<int64_t> fill(int to, CopyReader& reader, int64_t total, const Context& context) {
    int64_t done = 0;
    for (;;) {
        std::string_view piece = TRY(reader.next(context));
        if (piece.empty()) return done;
        done += static_cast<int64_t>(piece.size());
        while (!piece.empty()) {
            const ssize_t sent = ::send(to, piece.data(), piece.size(), MSG_NOSIGNAL);
            if (sent < 0 && errno == EINTR) continue;
            if (sent < 0)
                return fail(ErrorCode::StorageFailed,
                            std::string("the copy cannot be unpacked: ") + std::strerror(errno));
            piece.remove_prefix(static_cast<size_t>(sent));
        }
        context.progress(done, std::max(done, total), "copying the primary's files");
    }
}

Result<int64_t> unpack(const Instance& instance, CopyReader& reader, const std::string& directory,
                       const Context& context) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return fail(ErrorCode::CommandFailed, std::string("no descriptors left: ") + std::strerror(errno));
    Fd ours(ends[0]), theirs(ends[1]);
    auto program = runWith(callAs(instance.user(), instance.program("mbstream"), {"-x", "-C", directory}),
                           &ProgramCall::standardInput, std::move(theirs), context);
    const auto filled = fill(ours.get(), reader, integerAt(reader.header(), "bytes"), context);
    ours.reset();
    const auto outcome = program.get();
    if (!filled && filled.error().code != ErrorCode::StorageFailed) return filled;
    // A full disk ends the program, and what we see is a broken pipe: its own words say more.
    if (!outcome) return fail(outcome.error().within("the copy cannot be unpacked"));
    return filled;
}

Result<std::string> positionOf(const std::string& directory) {
    for (const char* name : positionFiles) {
        const auto text = readFile(directory + "/" + name, 1 << 20);
        if (!text) continue;
        if (const std::string position = positionInBackup(*text); !position.empty()) return position;
    }
    // As with a dump: the whole log would be replayed on top of the copy.
    return fail(ErrorCode::VerificationFailed, "the copy names no position",
                "The source needs its binary log and at least one transaction in it: prepare it again.");
}

}  // namespace

void CopyDesk::offer(const Instance& instance, const Context& context, std::shared_ptr<Sessions> sessions) {
    const auto& address = instance.spec().copy;
    const bool wanted = address && instance.tls().complete() && hasReplicas(instance);
    const std::lock_guard lock(mutex_);
    const auto known = services_.find(instance.stateDirectory());
    if (wanted && known != services_.end() && known->second->address() == *address) return;
    services_.erase(instance.stateDirectory());
    if (!wanted) return;
    Context own;
    own.deadline = INT64_MAX;
    own.stateDirectory = context.stateDirectory;
    auto service = CopyService::listen(
        *address, instance.spec().name, instance.tls(),
        [spec = instance.spec(), own, sessions = std::move(sessions)](CopySink& sink) -> Result<void> {
            return give(TRY(Instance::open(spec, own, sessions)), sink);
        });
    if (service)
        services_[instance.stateDirectory()] = std::move(*service);
    else
        logWarning("mariadb", "{}: no physical copies can be given: {}", instance.spec().name,
                   describe(service.error()));
}

Result<PhysicalCopy> takePhysicalCopy(const Instance& instance, const Peer& peer, const std::string& directory,
                                      const Context& context) {
    const std::string unpacker = instance.program("mbstream"), preparer = instance.program("mariadb-backup");
    for (const auto& program : {unpacker, preparer})
        if (findProgram(program).empty())
            return fail(ErrorCode::CommandFailed, program + " is not installed here",
                        "Install mariadb-backup, of the server's own version.");
    // The database's certificate says who it is, whatever address its agent listens at.
    auto reader = TRY(CopyReader::open(*peer.copy, peer.host, instance.spec().name, instance.tls(), context));
    PhysicalCopy copy;
    copy.bytes = TRY(unpack(instance, reader, directory, context));
    context.progress(copy.bytes, copy.bytes, "preparing the copy");
    TRY(runChecked(callAs(instance.user(), preparer, {"--no-defaults", "--prepare", "--target-dir=" + directory}),
                   context));
    copy.position = TRY(positionOf(directory));
    return copy;
}

std::string copiedOptionFile(const std::string& directory) {
    return directory + "/backup-my.cnf";
}

void endCopyLeftovers(const std::string& directory) {
    for (const auto& leftover : processesWithArgument("--target-dir=" + directory)) {
        sendSignal(leftover, SIGKILL);
        (void)awaitExit(leftover, SystemClock().monotonic() + 5000);
    }
}

std::string positionInBackup(std::string_view text) {
    const size_t offset = text.find('\t');
    const size_t gtids = offset == std::string_view::npos ? offset : text.find('\t', offset + 1);
    if (gtids == std::string_view::npos) return {};
    std::string position(text.substr(gtids + 1));
    std::erase_if(position, [](char c) { return c == '\n' || c == '\r' || c == ' '; });
    return position;
}

}  // namespace swb::driver::mariadb
