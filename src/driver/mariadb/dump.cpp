#include "driver/mariadb/dump.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "base/fd.h"
#include "base/file.h"

namespace swb::driver::mariadb {

namespace {

// MariaDB's position stands before the users and the end mark; both are small beside this, and so is a set of GTIDs.
constexpr off_t partBytesMax = 4 << 20;
// Tables that come and go break a consistent dump.
constexpr int attemptsMax = 20;

enum class End { first, last };

// So many bytes of one end of a file, or all of a small one.
Result<std::string> partOf(const std::string& path, End end) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const off_t size = file.valid() ? ::lseek(file.get(), 0, SEEK_END) : -1;
    if (size < 0) return fail(ErrorCode::StorageFailed, path + " cannot be read");
    const off_t from = end == End::first ? 0 : std::max<off_t>(0, size - partBytesMax);
    std::string part(static_cast<size_t>(std::min(size - from, partBytesMax)), '\0');
    for (size_t done = 0; done < part.size();) {
        const ssize_t got =
            ::pread(file.get(), part.data() + done, part.size() - done, from + static_cast<off_t>(done));
        if (got <= 0) return fail(ErrorCode::StorageFailed, path + " cannot be read to its end");
        done += static_cast<size_t>(got);
    }
    return part;
}

std::string quotedAt(std::string_view text, size_t begin) {
    const size_t end = text.find('\'', begin);
    if (end == std::string_view::npos) return {};
    std::string position(text.substr(begin, end - begin));
    std::erase(position, '\n');
    return position;
}

std::vector<std::string> dumpArguments(const Instance& instance, const Peer& peer, const std::string& file) {
    const SourceAddress source = instance.sourceAddress(peer);
    std::vector<std::string> arguments = {
        "--no-defaults",
        "--protocol=tcp",
        "--host=" + source.host,
        "--port=" + std::to_string(source.port),
        "--user=" + source.user,
        "--ssl-ca=" + source.authorityFile,
        "--ssl-cert=" + source.certificateFile,
        "--ssl-key=" + source.keyFile,
        "--all-databases",
        "--single-transaction",
        "--quick",
        "--routines",
        "--events",
        "--triggers",
        "--hex-blob",
        "--flush-privileges",
        "--default-character-set=utf8mb4",
        "--max-allowed-packet=1G",
        "--result-file=" + file,
    };
    if (instance.dialect().engine() == Engine::mysql)
        arguments.insert(arguments.end(),
                         {"--set-gtid-purged=COMMENTED", "--source-data=2", "--ssl-mode=VERIFY_IDENTITY"});
    else
        arguments.insert(arguments.end(), {"--gtid", "--master-data=2", "--ssl-verify-server-cert"});
    return arguments;
}

int64_t sizeOf(const std::string& path) {
    struct stat status {};
    return ::stat(path.c_str(), &status) == 0 ? status.st_size : 0;
}

}  // namespace

bool tablesChanged(std::string_view errors) {
    // ER_TABLE_DEF_CHANGED: a table is newer than the snapshot; ER_NO_SUCH_TABLE: it went since they were listed. The
    // last: a server with the same tmpdir has just started and removed the temporary tables of the one that is read.
    for (const std::string_view sign :
         {"(1412)", "(1146)", "Error 1412:", "Error 1146:", "error: 1412:", "error: 1146:", "Error on delete of"})
        if (errors.find(sign) != std::string_view::npos) return true;
    return false;
}

std::string positionAtEndOfDump(std::string_view tail) {
    // -- SET GLOBAL gtid_slave_pos='0-1-100';
    constexpr std::string_view sign = "gtid_slave_pos='";
    const size_t at = tail.rfind(sign);
    return at == std::string_view::npos ? std::string() : quotedAt(tail, at + sign.size());
}

std::string positionAtBeginOfDump(std::string_view head) {
    // SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'uuid:1-5';
    // Since 8.4, in a comment: SET @@GLOBAL.GTID_PURGED='+uuid:1-5';
    constexpr std::string_view sign = "SET @@GLOBAL.GTID_PURGED=", addition = "/*!80000 '+'*/ ";
    const size_t at = head.find(sign);
    if (at == std::string_view::npos) return {};
    std::string_view rest = head.substr(at + sign.size());
    if (rest.substr(0, addition.size()) == addition) rest.remove_prefix(addition.size());
    if (rest.empty() || rest.front() != '\'') return {};
    std::string position = quotedAt(rest, 1);
    if (!position.empty() && position.front() == '+') position.erase(0, 1);
    return position;
}

bool isCompleteDump(std::string_view text) {
    constexpr size_t lastLineBytesMax = 200;
    return text.substr(text.size() - std::min(text.size(), lastLineBytesMax)).find("-- Dump completed") !=
           std::string_view::npos;
}

Result<int64_t> estimatedBytes(Connection& connection, MonotonicMs deadline) {
    const std::string bytes =
        TRY(connection.value("SELECT CAST(COALESCE(SUM(DATA_LENGTH), 0) AS UNSIGNED) FROM information_schema.TABLES "
                             "WHERE TABLE_SCHEMA NOT IN "
                             "('information_schema', 'performance_schema', 'sys')",
                             deadline));
    return std::atoll(bytes.c_str());
}

Result<std::string> dumpPeer(const Instance& instance, const Peer& peer, const std::string& file,
                             int64_t estimatedBytes, const Context& context) {
    TRY_VOID(removeFile(file));
    const bool mysql = instance.dialect().engine() == Engine::mysql;
    ProgramCall call = instance.programCall(mysql ? "mysqldump" : "mariadb-dump", dumpArguments(instance, peer, file));
    // The program is silent; its file's growth is the progress.
    constexpr int64_t reportEveryMs = 500;
    MonotonicMs reported = 0;
    Context watched = context;
    watched.cancelled = [&] {
        if (const MonotonicMs now = SystemClock().monotonic(); now - reported >= reportEveryMs) {
            reported = now;
            const int64_t done = sizeOf(file);
            context.progress(done, std::max(done, estimatedBytes), "copying the primary's data");
        }
        return context.cancelled();
    };
    for (int attempt = 1;; ++attempt) {
        const auto outcome = runChecked(call, watched);
        if (outcome) break;
        const bool changed = tablesChanged(outcome.error().message);
        if (changed && attempt == attemptsMax)
            return fail(ErrorCode::DatabaseFailed,
                        "tables of the source are made, altered or dropped all the time: " + std::to_string(attempt) +
                            " dumps met one. " + outcome.error().message,
                        "Enable replication at a quieter hour, without migrations and jobs that make tables.");
        if (!changed || context.remainingMs() == 0) return fail(outcome.error().within("the dump failed"));
        context.progress(0, estimatedBytes, "a table was made, altered or dropped meanwhile: copying again");
        // A dump that meets one early takes a moment: without a growing pause all attempts fit into two seconds.
        constexpr int64_t stepMs = 50;
        pause(attempt * stepMs);
    }
    const std::string tail = TRY(partOf(file, End::last));
    if (!isCompleteDump(tail))
        return fail(ErrorCode::VerificationFailed, "the dump of " + peer.host + " is cut off",
                    "Repeat it; see the source's log.");
    std::string position = mysql ? positionAtBeginOfDump(TRY(partOf(file, End::first))) : positionAtEndOfDump(tail);
    // An empty position would make the replica replay the source's whole log on top of its copy.
    if (position.empty())
        return fail(ErrorCode::VerificationFailed, "the dump of " + peer.host + " names no position",
                    "The source needs its binary log and at least one transaction in it: prepare it again.");
    return position;
}

}  // namespace swb::driver::mariadb
