// swb_gap_client: the one client that all competitors of the switch benchmark share.
//
//   swb_gap_client write --conninfo "host=127.0.0.1,127.0.0.2 port=…" --log FILE     until SIGTERM, SIGINT or --seconds
//   swb_gap_client write --mariadb HOST:PORT,HOST:PORT --user U --database D --redis HOST:PORT,HOST:PORT --log FILE
//   swb_gap_client score --log FILE --windows FILE --tags FILE                       afterwards
//
// Both print one JSON document on stdout. With several databases a write counts when each has it. Passwords come from
// PGPASSWORD, MYSQL_PWD and REDISCLI_AUTH, never from the command line.
#include <fmt/format.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <thread>
#include <vector>

#include "base/file.h"
#include "gap_client/score.h"
#include "gap_client/writer.h"

namespace swb::bench {
namespace {

constexpr int writersMax = 256;
constexpr size_t fileBytesMax = size_t{1} << 30;

struct WriteOptions {
    Target target;
    Deadlines deadlines;
    std::string log;
    int writers = 4;
    double seconds = 0;  // 0: until a signal
    WriterOptions writer;
};

struct ScoreOptions {
    std::string log, windows, tags;
};

// SIGTERM and SIGINT are blocked in every thread and taken here: no handler has to be async-signal-safe.
void waitForEnd(const sigset_t& signals, double seconds) {
    if (seconds <= 0) {
        int received = 0;
        ::sigwait(&signals, &received);
        return;
    }
    const auto whole = static_cast<time_t>(seconds);
    const timespec limit{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
    ::sigtimedwait(&signals, nullptr, &limit);
}

Result<Json> write(const WriteOptions& options) {
    if (const std::string problem = problemOf(options.target); !problem.empty())
        return fail(ErrorCode::InvalidInput, problem);
    AcknowledgementLog log;
    TRY_VOID(log.open(options.log));
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);

    std::atomic<bool> stop = false;
    std::vector<WriterReport> reports(static_cast<size_t>(options.writers));
    std::vector<std::thread> threads;
    for (int i = 0; i < options.writers; ++i) {
        WriterOptions own = options.writer;
        own.number = i;
        threads.emplace_back([&, own] {
            const auto session = makeSession(options.target, options.deadlines);
            reports[static_cast<size_t>(own.number)] = runWriter(own, *session, log, stop);
        });
    }
    waitForEnd(signals, options.seconds);
    stop = true;
    for (std::thread& thread : threads) thread.join();

    WriterReport sum;
    for (const WriterReport& report : reports) {
        sum.attempts += report.attempts;
        sum.connects += report.connects;
        for (const auto& [trouble, count] : report.troubles) sum.troubles[trouble] += count;
    }
    const size_t acknowledged = TRY(log.close());
    JsonObject errors;
    for (const auto& [trouble, count] : sum.troubles) errors[trouble] = count;
    return JsonObject{{"writers", options.writers},
                      {"attempts", sum.attempts},
                      {"acknowledged", acknowledged},
                      {"connects", sum.connects},
                      {"errors", std::move(errors)}};
}

Result<Json> score(const ScoreOptions& options) {
    const std::string logText = TRY(readFile(options.log, fileBytesMax));
    const std::string windowsText = TRY(readFile(options.windows, fileBytesMax));
    const std::vector<Acknowledgement> log = TRY(parseLog(logText));
    const std::vector<Window> windows = TRY(parseWindows(windowsText));
    const std::string tags = TRY(readFile(options.tags, fileBytesMax));
    std::vector<WindowScore> scores;
    for (const Window& window : windows) scores.push_back(scoreWindow(log, window));
    return toJson(scores, scoreTable(log, parseTags(tags)));
}

int run(int argc, char** argv) {
    CLI::App app("The client of the switch benchmark: writes and keeps score.");
    app.require_subcommand(1);
    WriteOptions writeOptions;
    CLI::App* writeCommand = app.add_subcommand("write", "insert tags and log every acknowledged one");
    writeCommand->add_option("--conninfo", writeOptions.target.conninfo, "PostgreSQL: libpq conninfo with all hosts");
    writeCommand->add_option("--mariadb", writeOptions.target.mariadb, "MariaDB: HOST:PORT of all")->delimiter(',');
    writeCommand->add_option("--user", writeOptions.target.user, "MariaDB's user");
    writeCommand->add_option("--database", writeOptions.target.database, "MariaDB's database");
    writeCommand->add_option("--redis", writeOptions.target.redis, "Redis: HOST:PORT of all")->delimiter(',');
    writeCommand->add_option("--redis-user", writeOptions.target.redisUser, "Redis's user");
    writeCommand->add_option("--log", writeOptions.log, "file for the acknowledgements")->required();
    writeCommand->add_option("--writers", writeOptions.writers)->check(CLI::Range(1, writersMax));
    writeCommand->add_option("--seconds", writeOptions.seconds, "0: until SIGTERM")->check(CLI::Range(0.0, 86400.0));
    writeCommand->add_option("--pause-ms", writeOptions.writer.pauseMs)->check(CLI::Range(0, 10000));
    writeCommand->add_option("--connect-ms", writeOptions.deadlines.connectMs, "deadline of one attempt")
        ->check(CLI::Range(1, 60000));
    writeCommand->add_option("--statement-ms", writeOptions.deadlines.statementMs, "deadline of one insert")
        ->check(CLI::Range(1, 60000));
    ScoreOptions scoreOptions;
    CLI::App* scoreCommand = app.add_subcommand("score", "gaps, lost and doubled writes");
    scoreCommand->add_option("--log", scoreOptions.log)->required();
    scoreCommand->add_option("--windows", scoreOptions.windows, "lines 'start end', monotonic ms")->required();
    scoreCommand->add_option("--tags", scoreOptions.tags, "the tags of the table at the end, one a line")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    const Result<Json> report = writeCommand->parsed() ? write(writeOptions) : score(scoreOptions);
    if (!report) {
        fmt::print(stderr, "{}\n", describe(report.error()));
        return exitCode(report.error().code);
    }
    fmt::print("{}\n", toText(*report));
    return 0;
}

}  // namespace
}  // namespace swb::bench

int main(int argc, char** argv) {
    return swb::bench::run(argc, argv);
}
