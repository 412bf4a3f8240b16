#include "health/link_state.h"

#include <array>
#include <cstdio>

namespace swb::health {
namespace {

std::string tenths(double value) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string resync(const Link& link) {
    return "`swing replication resync --from " + link.from + " --to " + link.to + " --database " + link.database + "`";
}

std::string place(const std::string& application, const Link& link) {
    return application + "/" + link.database;
}

LinkHealth broken(std::string sentence, std::string hint) {
    return {LinkState::broken, std::move(sentence), std::move(hint)};
}

LinkHealth stopped(std::string sentence, std::string hint) {
    return {LinkState::stopped, std::move(sentence), std::move(hint)};
}

std::string lagSentence(const Lag& lag) {
    if (!lag.bytes || !lag.seconds) return "how far behind is not known";
    if (*lag.bytes == 0 && lag.isExact) return "the replica has everything";
    return bytesText(*lag.bytes) + " and " + secondsText(*lag.seconds) + " behind";
}

// With the replica's agent away the source's word is all there is.
LinkHealth withoutReplica(const LinkInput& input) {
    const bool seen = input.source.known && input.source.replica && input.source.replica->state == "streaming";
    const std::string sentence = "the agent of " + place(input.link.to, input.link) + " is not connected";
    if (!seen) return broken(sentence + ", nor does the source see its replica", "start swing-agent there");
    LinkHealth health{LinkState::streaming, sentence + "; its source sees it streaming", "start swing-agent there"};
    if (isBehind(input.lag, input.limits, input.before == LinkState::behind)) health.state = LinkState::behind;
    return health;
}

// Why it does not stream, by what each side says of it.
LinkHealth notStreaming(const LinkInput& input) {
    const SideFacts &source = input.source, &replica = input.replica;
    const std::string log = "look at the log of " + place(input.link.to, input.link);
    if (replica.receiver == Receiver::copying)
        return {LinkState::seeding, "the engine copies everything again", "wait; `swing replication status` shows it"};
    if (source.isSlotLost)
        return broken("the source no longer has what the replica needs: it was away for longer than its budget",
                      resync(input.link) + " makes it a copy again");
    // MariaDB's word for the same.
    if (replica.receiverError.find("1236") != std::string::npos)
        return broken("the source no longer has what the replica needs: " + replica.receiverError,
                      resync(input.link) + " makes it a copy again");
    if (!replica.applierError.empty())
        return broken("the replica cannot apply what it received: " + replica.applierError,
                      log + "; " + resync(input.link) + " if it cannot be mended");
    if (!replica.receiverError.empty()) return broken("the replica cannot receive: " + replica.receiverError, log);
    if (replica.receiver == Receiver::stopped)
        return stopped("replication was stopped at the replica", "START SLAVE there, or " + resync(input.link));
    if (!source.known)
        return broken(
            "the replica does not stream, and the agent of " + place(input.link.from, input.link) + " is not connected",
            "is that site up? Look at both");
    if (!source.reachable)
        return broken("the source does not answer" + (source.error.empty() ? "" : ": " + source.error),
                      "start it; look at its log");
    if (replica.receiver == Receiver::streaming)
        return broken("the replica says that it streams, its source does not see it",
                      "it follows another server, or the connection is half dead: " + log);
    return broken("the replica is not connected to its source", log + ": firewall, certificate or access rule");
}

LinkHealth streaming(const LinkInput& input) {
    const SideFacts& source = input.source;
    const bool late = isBehind(input.lag, input.limits, input.before == LinkState::behind);
    LinkHealth health{late ? LinkState::behind : LinkState::streaming, lagSentence(input.lag), ""};
    if (!source.known || !source.reachable) {
        health.sentence = "the replica streams, but its source cannot be seen: it has everything up to " +
                          (input.lag.seconds ? secondsText(*input.lag.seconds) + " ago" : "an unknown time");
        health.hint = source.known ? "look at the source" : "start swing-agent at the source";
        return health;
    }
    if (!late) return health;
    if (input.lag.catchUpSeconds)
        health.hint = "it has caught up in about " + secondsText(*input.lag.catchUpSeconds) + " at this rate";
    else
        health.hint = "it does not catch up at present: a slow network or disk, or a long transaction";
    return health;
}

}  // namespace

std::string secondsText(double seconds) {
    if (seconds < 10) return tenths(seconds) + " s";
    if (seconds < 120) return std::to_string(static_cast<int64_t>(seconds)) + " s";
    const auto minutes = static_cast<int64_t>(seconds / 60);
    if (minutes < 120) return std::to_string(minutes) + " min";
    return std::to_string(minutes / 60) + " h";
}

std::string bytesText(int64_t bytes) {
    if (bytes < 1024) return std::to_string(bytes) + " B";
    if (bytes < 1 << 20) return tenths(static_cast<double>(bytes) / 1024) + " KiB";
    if (bytes < 1 << 30) return tenths(static_cast<double>(bytes) / (1 << 20)) + " MiB";
    return tenths(static_cast<double>(bytes) / (1 << 30)) + " GiB";
}

bool isBehind(const Lag& lag, const LagLimits& limits, bool wasBehind) {
    const int64_t part = wasBehind ? 2 : 1;
    if (lag.bytes && *lag.bytes > limits.bytes / part) return true;
    return lag.seconds && *lag.seconds > static_cast<double>(limits.seconds) / static_cast<double>(part);
}

bool streams(const SideFacts& source, const SideFacts& replica) {
    if (!replica.known) return source.known && source.replica && source.replica->state == "streaming";
    if (!replica.reachable || replica.role != "replica") return false;
    if (replica.receiver != Receiver::streaming || !replica.isApplying || replica.isPaused) return false;
    // A receiver may not have noticed that its source is gone; the source has.
    if (!source.known || !source.reachable) return true;
    return source.replica && (source.replica->state == "streaming" || source.replica->state == "catchup");
}

LinkHealth judge(const LinkInput& input) {
    const SideFacts &source = input.source, &replica = input.replica;
    if (input.seeding)
        return {LinkState::seeding,
                input.seeding->sentence.empty() ? "the replica's data is being copied" : input.seeding->sentence,
                "`swing run watch " + input.seeding->run + "`"};
    if (!replica.known) return withoutReplica(input);
    if (!replica.running)
        return stopped("the replica does not run" + (replica.error.empty() ? "" : ": " + replica.error),
                       "start it; look at its log");
    if (!input.divergence.empty())
        return {LinkState::diverged, input.divergence,
                "save what only it has, then " + resync(input.link) + " makes it a copy again"};
    if (!replica.reachable)
        return broken("the replica does not answer" + (replica.error.empty() ? "" : ": " + replica.error),
                      "look at its log");
    if (replica.role != "replica")
        return broken("it is " + replica.role + ", not a replica: nothing is replicated",
                      resync(input.link) + " makes it a copy again");
    if (source.known && source.reachable && source.isSlotLost && replica.receiver != Receiver::streaming)
        return notStreaming(input);
    if (replica.isPaused && replica.applierError.empty() && replica.receiver == Receiver::streaming &&
        replica.isApplying)
        return stopped("replay is paused at the replica", "resume it there: a switch refuses a paused replica");
    if (!replica.isApplying && replica.applierError.empty())
        return stopped("the replica receives but does not apply", "START SLAVE SQL_THREAD there");
    if (!streams(source, replica)) return notStreaming(input);
    return streaming(input);
}

}  // namespace swb::health
