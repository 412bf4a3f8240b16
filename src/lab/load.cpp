#include "lab/load.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "base/ids.h"
#include "lab/load_worker.h"
#include "lab/read_back.h"

namespace swb::lab {
namespace {

// Blocked in every thread and asked for by the one that waits, so that no thread is interrupted in the middle.
class Interrupts {
  public:
    Interrupts() {
        ::sigemptyset(&signals_);
        ::sigaddset(&signals_, SIGINT);
        ::sigaddset(&signals_, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
    }
    ~Interrupts() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    bool wait(int64_t milliseconds) {
        const timespec time{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
        return ::sigtimedwait(&signals_, nullptr, &time) > 0;
    }

  private:
    sigset_t signals_{}, before_{};
};

void showLive(const LoadProgress& progress, double seconds) {
    fmt::print(stderr, "\r  {:6.1f} s   {:>8} orders acknowledged   {:>6} refused or failed   longest gap {:>6.0f} ms ",
               seconds, progress.acknowledged.load(), progress.failed.load(),
               static_cast<double>(progress.longestGapUs.load()) / 1000);
}

// Until the time is over; true when interrupted.
bool waitForEnd(const LoadRequest& request, const LoadProgress& progress, Interrupts& interrupts, double startedMs) {
    for (;;) {
        const double passed = (preciseMs() - startedMs) / 1000;
        const double left = request.seconds > 0 ? request.seconds - passed : 1;
        if (left <= 0) return false;
        if (request.live) showLive(progress, passed);
        if (interrupts.wait(static_cast<int64_t>(std::min(0.1, left) * 1000) + 1)) return true;
    }
}

std::string atText(const LoadReport& report, double monotonicMs) {
    return isoTime(report.startedAt + static_cast<int64_t>(monotonicMs - report.startedMs));
}

// Of the run's orders in that engine; 0 when none was acknowledged.
int64_t firstId(const std::vector<WriterNotes>& notes, const std::string& engine) {
    int64_t first = 0;
    for (const WriterNotes& writer : notes)
        for (const Acknowledgement& one : writer.acknowledged)
            if (const auto id = one.ids.find(engine); id != one.ids.end() && id->second > 0)
                first = first == 0 ? id->second : std::min(first, id->second);
    return first;
}

JsonObject toJson(const std::map<std::string, EngineScore>& engines) {
    JsonObject out;
    for (const auto& [engine, score] : engines)
        out[engine] = JsonObject{
            {"missing", score.missing}, {"doubled", score.doubled}, {"unacknowledgedButThere", score.unacknowledged}};
    return out;
}

double rounded(double value) {
    return static_cast<double>(static_cast<int64_t>(value * 1000 + 0.5)) / 1000;
}

}  // namespace

Result<LoadReport> load(const World& world, const LoadRequest& request) {
    Interrupts interrupts;
    FailoverResolver resolver(world);
    TRY(resolver.peer());  // a lab whose address does not resolve is not worth a run
    LoadReport report;
    report.prefix = newId("load") + "-";
    report.startedAt = SystemClock().now();
    report.startedMs = preciseMs();
    LoadProgress progress;
    std::vector<WriterSettings> settings;
    for (int64_t i = 0; i < request.writers; ++i)
        settings.push_back({report.prefix + std::to_string(i) + "-",
                            request.rate > 0 ? 1000.0 * static_cast<double>(request.writers) / request.rate : 0, 5000,
                            world.failoverName()});
    std::vector<WriterNotes> notes(settings.size());
    std::vector<std::thread> writers;
    for (size_t i = 0; i < settings.size(); ++i)
        writers.emplace_back([&, i] { notes[i] = writeOrders(settings[i], resolver, progress); });
    report.interrupted = waitForEnd(request, progress, interrupts, report.startedMs);
    progress.stop = true;
    for (std::thread& writer : writers) writer.join();
    const double seconds = (preciseMs() - report.startedMs) / 1000;
    if (request.live) {
        showLive(progress, seconds);
        fmt::print(stderr, "\n");
    }
    report.addressChanges = resolver.changes();
    std::vector<Reading> readings;
    for (const LabEngine* engine : enginesOf(world)) {
        const int64_t first = firstId(notes, engine->name());
        readings.push_back({engine->name(), TRY(readByHttp(world, resolver, *engine, report.prefix, first))});
        readings.push_back({engine->name(), TRY(readAtPrimary(world, *engine, report.prefix))});
    }
    report.score = scoreOf(notes, readings, seconds);
    return report;
}

Json toJson(const LoadReport& report) {
    const Score& score = report.score;
    JsonObject errors;
    for (const LoadError error : {LoadError::maintenance, LoadError::unavailable, LoadError::refused, LoadError::reset,
                                  LoadError::timeout, LoadError::dns, LoadError::other}) {
        const auto found = score.errors.find(error);
        errors[nameOf(error)] = found == score.errors.end() ? 0 : found->second;
    }
    JsonArray gaps;
    for (const Gap& gap : score.gaps)
        gaps.push_back(JsonObject{{"milliseconds", rounded(gap.milliseconds)},
                                  {"from", atText(report, gap.fromMs)},
                                  {"to", atText(report, gap.toMs)}});
    return JsonObject{{"prefix", report.prefix},
                      {"startedAt", isoTime(report.startedAt)},
                      {"seconds", rounded(score.seconds)},
                      {"interrupted", report.interrupted},
                      {"clean", score.clean()},
                      {"attempts", score.attempts},
                      {"acknowledged", score.acknowledged},
                      {"missing", score.missing},
                      {"doubled", score.doubled},
                      {"unacknowledgedButThere", score.unacknowledged},
                      {"engines", toJson(score.engines)},
                      {"missingTags", JsonArray(score.missingTags.begin(), score.missingTags.end())},
                      {"doubledTags", JsonArray(score.doubledTags.begin(), score.doubledTags.end())},
                      {"longestGapMs", score.gaps.empty() ? 0.0 : rounded(score.gaps.front().milliseconds)},
                      {"gaps", std::move(gaps)},
                      {"addressChanges", report.addressChanges},
                      {"errors", std::move(errors)},
                      {"perSecond", rounded(score.perSecond)},
                      {"latencyMs", JsonObject{{"p50", rounded(score.latencyMedianMs)},
                                               {"p99", rounded(score.latencyP99Ms)},
                                               {"max", rounded(score.latencyMaxMs)}}}};
}

std::string reportText(const LoadReport& report) {
    const Score& score = report.score;
    std::string text = fmt::format("orders        {} sent, {} acknowledged, {:.0f} a second for {:.1f} s\n",
                                   score.attempts, score.acknowledged, score.perSecond, score.seconds);
    text += fmt::format("missing       {}\ndoubled       {}\n", score.missing, score.doubled);
    if (score.engines.size() > 1)
        for (const auto& [engine, own] : score.engines)
            text += fmt::format("  {:<11} {} missing, {} doubled\n", engine, own.missing, own.doubled);
    text += fmt::format("latency       {:.1f} ms median, {:.1f} ms p99, {:.1f} ms at most\n", score.latencyMedianMs,
                        score.latencyP99Ms, score.latencyMaxMs);
    for (size_t i = 0; i < std::min<size_t>(3, score.gaps.size()); ++i)
        text += fmt::format("{}  {:.0f} ms until {}\n", i == 0 ? "longest gaps" : "            ",
                            score.gaps[i].milliseconds, atText(report, score.gaps[i].toMs));
    std::string errors;
    for (const auto& [error, count] : score.errors)
        errors += fmt::format("{}{} {}", errors.empty() ? "" : ", ", count, nameOf(error));
    text += "not accepted  " + (errors.empty() ? "none" : errors) + "\n";
    for (const std::string& tag : score.missingTags) text += "MISSING       " + tag + "\n";
    for (const std::string& tag : score.doubledTags) text += "DOUBLED       " + tag + "\n";
    if (score.acknowledged == 0) return text + "No order was acknowledged: nothing can be said.\n";
    return text + (score.clean() ? score.engines.size() > 1
                                       ? "Every acknowledged order is there, exactly once in each database.\n"
                                       : "Every acknowledged order is there, exactly once.\n"
                                 : "ORDERS WERE LOST OR DOUBLED.\n");
}

}  // namespace swb::lab
