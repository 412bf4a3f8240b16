#include "driver/mariadb/divergence.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "driver/support/files.h"

namespace swb::driver::mariadb {

namespace {

constexpr size_t savedBytesMax = 256 << 20;
constexpr size_t namedMax = 20;

struct LogFiles {
    std::vector<std::string> paths;  // from the one that holds the position to the last
};

// The newest file that begins at or before the position, and all after it.
Result<LogFiles> filesAfter(const Instance& instance, Connection& connection, const std::string& position,
                            const Context& context) {
    const std::string base = TRY(connection.value("SELECT @@GLOBAL.log_bin_basename", context.deadline));
    const size_t slash = base.rfind('/');
    const std::string directory = slash == std::string::npos ? instance.data() : base.substr(0, slash);
    const Rows logs = TRY(connection.query("SHOW BINARY LOGS", context.deadline));
    LogFiles files;
    for (auto log = logs.rbegin(); log != logs.rend(); ++log) {
        files.paths.insert(files.paths.begin(), directory + "/" + log->at("Log_name"));
        if (instance.dialect().engine() == Engine::mysql) continue;  // its tool excludes by GTID itself
        const std::string start = TRY(connection.value(
            "SELECT BINLOG_GTID_POS(" + connection.literal(log->at("Log_name")) + ", 4)", context.deadline));
        const Relation relation = TRY(instance.dialect().relation(start, position));
        if (relation == Relation::behind || relation == Relation::equal) break;
    }
    return files;
}

}  // namespace

std::vector<std::string> gtidsInMysqlLogText(std::string_view text) {
    constexpr std::string_view sign = "SET @@SESSION.GTID_NEXT= '";
    std::vector<std::string> gtids;
    // A statement of its own line: data stand behind "### ", or within a statement's text.
    for (size_t at = 0; (at = text.find(sign, at)) != std::string_view::npos;) {
        const bool begins = at == 0 || text[at - 1] == '\n';
        at += sign.size();
        const std::string_view gtid = text.substr(at, std::min(text.find('\'', at), text.size()) - at);
        if (begins && GtidSet::parse(gtid)) gtids.emplace_back(gtid);
    }
    return gtids;
}

std::vector<std::string> gtidsInLogText(std::string_view text) {
    constexpr std::string_view sign = "\tGTID ";
    std::vector<std::string> gtids;
    for (size_t at = 0; (at = text.find(sign, at)) != std::string_view::npos;) {
        at += sign.size();
        const size_t end = std::min(text.find_first_not_of("0123456789-", at), text.size());
        const std::string_view gtid = text.substr(at, end - at);
        if (std::count(gtid.begin(), gtid.end(), '-') == 2) gtids.emplace_back(gtid);
        at = end;
    }
    return gtids;
}

Result<SavedTransactions> saveAfter(const Instance& instance, Connection& connection, const std::string& position,
                                    const Context& context) {
    const LogFiles files = TRY(filesAfter(instance, connection, position, context));
    const bool mysql = instance.dialect().engine() == Engine::mysql;
    ProgramCall call = instance.programCall(mysql ? "mysqlbinlog" : "mariadb-binlog", {"--no-defaults", "--verbose"});
    if (mysql)
        call.argv.push_back("--exclude-gtids=" + position);
    else
        call.argv.push_back("--start-position=" + position);
    call.argv.insert(call.argv.end(), files.paths.begin(), files.paths.end());
    call.outputBytesMax = savedBytesMax;
    auto outcome = TRY(runProgram(call, context));
    if (!outcome.succeeded() && !mysql) {
        // Tools before 10.8 know no GTID to start at, and none starts at one that a purged file had: whole files then,
        // a little more than only the extra transactions.
        std::erase_if(call.argv, [](const auto& word) { return word.rfind("--start-position=", 0) == 0; });
        outcome = TRY(runProgram(call, context));
    }
    if (!outcome.succeeded())
        return fail(ErrorCode::CommandFailed, "the extra transactions could not be read: " + outcome.errors,
                    "Nothing was overwritten. See the server's binary log.");
    SavedTransactions saved;
    std::string name = position;
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == ',' || c == ':' || c == '\n' || c == '/'; }, '_');
    constexpr size_t nameBytesMax = 100;
    saved.path = instance.stateDirectory() + "/only-here-after-" + name.substr(0, nameBytesMax) + ".sql";
    TRY_VOID(writeFileAtomically(saved.path, outcome.output, 0600));
    auto gtids = mysql ? gtidsInMysqlLogText(outcome.output) : gtidsInLogText(outcome.output);
    std::erase_if(gtids, [&](const std::string& gtid) {
        const auto relation = instance.dialect().relation(gtid, position);
        return relation && (*relation == Relation::behind || *relation == Relation::equal);
    });
    saved.count = static_cast<int64_t>(gtids.size());
    gtids.resize(std::min(gtids.size(), namedMax));
    saved.transactions = std::move(gtids);
    return saved;
}

std::string describe(const SavedTransactions& saved) {
    return fmt::format("{} transactions ({}{}), saved in {}", saved.count, fmt::join(saved.transactions, ", "),
                       saved.count > static_cast<int64_t>(saved.transactions.size()) ? ", …" : "", saved.path);
}

}  // namespace swb::driver::mariadb
