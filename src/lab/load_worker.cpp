#include "lab/load_worker.h"

#include <thread>

#include "base/clock.h"
#include "lab/http.h"

namespace swb::lab {
namespace {

constexpr double pauseAfterErrorMs = 2;

void sleepMs(double milliseconds) {
    if (milliseconds > 0) std::this_thread::sleep_for(std::chrono::duration<double, std::milli>(milliseconds));
}

LoadError errorOf(HttpFailure failure) {
    switch (failure) {
        case HttpFailure::refused:
            return LoadError::refused;
        case HttpFailure::reset:
            return LoadError::reset;
        case HttpFailure::timeout:
            return LoadError::timeout;
        case HttpFailure::malformed:
            return LoadError::other;
    }
    return LoadError::other;
}

void noteAcknowledgement(LoadProgress& progress, double atMs) {
    const auto at = static_cast<int64_t>(atMs * 1000);
    const int64_t before = progress.lastAtUs.exchange(at);
    const int64_t gap = before > 0 ? at - before : 0;
    int64_t longest = progress.longestGapUs.load();
    while (gap > longest && !progress.longestGapUs.compare_exchange_weak(longest, gap)) {
    }
    ++progress.acknowledged;
}

class Writer {
  public:
    Writer(const WriterSettings& settings, FailoverResolver& resolver, LoadProgress& progress)
        : settings_(settings), resolver_(resolver), progress_(progress) {}

    WriterNotes run() {
        double next = preciseMs();
        while (!progress_.stop) {
            if (!writeOne()) sleepMs(pauseAfterErrorMs);
            next = std::max(next + settings_.intervalMs, preciseMs());  // what was missed is not made up for
            if (settings_.intervalMs > 0) sleepMs(next - preciseMs());
        }
        return std::move(notes_);
    }

  private:
    // False when it was not acknowledged, whatever became of it. Its tag is not used again.
    bool writeOne() {
        const std::string tag = settings_.tagPrefix + std::to_string(notes_.attempts++);
        const auto peer = resolver_.peer();
        if (!peer) return failed(LoadError::dns);
        const std::string body =
            toText(JsonObject{{"product", "tea"}, {"quantity", 1}, {"customer", "swing lab load"}, {"tag", tag}});
        const double before = preciseMs();
        const auto reply =
            connection_.request(*peer, requestText("POST", "/orders", settings_.host, body), settings_.timeoutMs);
        const double after = preciseMs();
        if (reply && reply->status == 201) {
            notes_.acknowledged.push_back({tag, orderIds(reply->body), after, after - before});
            noteAcknowledgement(progress_, after);
            return true;
        }
        resolver_.distrust(*peer);
        if (!reply) return failed(errorOf(reply.error()));
        if (reply->status == 503) return failed(reply->maintenance ? LoadError::maintenance : LoadError::unavailable);
        return failed(reply->status == 502 || reply->status == 504 ? LoadError::unavailable : LoadError::other);
    }

    bool failed(LoadError error) {
        ++notes_.errors[error];
        ++progress_.failed;
        return false;
    }

    const WriterSettings& settings_;
    FailoverResolver& resolver_;
    LoadProgress& progress_;
    HttpConnection connection_;
    WriterNotes notes_;
};

}  // namespace

std::map<std::string, int64_t> orderIds(std::string_view body) {
    const auto value = parseJson(body);
    const Json* ids = value ? memberAt(*value, "ids") : nullptr;
    std::map<std::string, int64_t> out;
    if (ids && ids->is_object())
        for (const auto& [engine, id] : ids->get_object())
            if (id.is_int64()) out[std::string(engine)] = id.get_int64();
    return out;
}

WriterNotes writeOrders(const WriterSettings& settings, FailoverResolver& resolver, LoadProgress& progress) {
    return Writer(settings, resolver, progress).run();
}

}  // namespace swb::lab
