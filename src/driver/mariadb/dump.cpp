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

// The position stands before the users and the end mark; both are small beside this.
constexpr off_t tailBytesMax = 4 << 20;
// Tables that come and go break a consistent dump.
constexpr int attemptsMax = 20;

Result<std::string> tailOf(const std::string& path) {
    const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    const off_t size = file.valid() ? ::lseek(file.get(), 0, SEEK_END) : -1;
    if (size < 0) return fail(ErrorCode::StorageFailed, path + " cannot be read");
    const off_t from = std::max<off_t>(0, size - tailBytesMax);
    std::string tail(static_cast<size_t>(size - from), '\0');
    for (size_t done = 0; done < tail.size();) {
        const ssize_t got =
            ::pread(file.get(), tail.data() + done, tail.size() - done, from + static_cast<off_t>(done));
        if (got <= 0) return fail(ErrorCode::StorageFailed, path + " cannot be read to its end");
        done += static_cast<size_t>(got);
    }
    return tail;
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
    // ER_TABLE_DEF_CHANGED: a table is newer than the snapshot; ER_NO_SUCH_TABLE: it went since they were listed.
    for (const std::string_view sign :
         {"(1412)", "(1146)", "Error 1412:", "Error 1146:", "error: 1412:", "error: 1146:"})
        if (errors.find(sign) != std::string_view::npos) return true;
    return false;
}

std::string positionInDump(std::string_view text) {
    // MariaDB: -- SET GLOBAL gtid_slave_pos='0-1-100';   MySQL: SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'uuid:1-5';
    for (const std::string_view sign : {"gtid_slave_pos='", "GTID_PURGED=/*!80000 '+'*/ '"}) {
        const size_t at = text.rfind(sign);
        if (at == std::string_view::npos) continue;
        const size_t begin = at + sign.size(), end = text.find('\'', begin);
        if (end == std::string_view::npos) continue;
        std::string position(text.substr(begin, end - begin));
        std::erase(position, '\n');
        return position;
    }
    return {};
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
    }
    const std::string tail = TRY(tailOf(file));
    if (!isCompleteDump(tail))
        return fail(ErrorCode::VerificationFailed, "the dump of " + peer.host + " is cut off",
                    "Repeat it; see the source's log.");
    std::string position = positionInDump(tail);
    // An empty position would make the replica replay the source's whole log on top of its copy.
    if (position.empty())
        return fail(ErrorCode::VerificationFailed, "the dump of " + peer.host + " names no position",
                    "The source needs its binary log and at least one transaction in it: prepare it again.");
    return position;
}

}  // namespace swb::driver::mariadb
