#include "link/message.h"

#include "base/assert.h"
#include "link/utf8.h"
#include "model/names.h"

namespace swb::link {
namespace {

constexpr NameTable<OutcomeStatus, 3> outcomeStatusNames{{
    {"done", OutcomeStatus::done},
    {"failed", OutcomeStatus::failed},
    {"unknown", OutcomeStatus::unknown},
}};

constexpr NameTable<LedgerState, 5> ledgerStateNames{{
    {"never", LedgerState::never},
    {"running", LedgerState::running},
    {"done", LedgerState::done},
    {"failed", LedgerState::failed},
    {"unknown", LedgerState::unknown},
}};

// Reading with the limits of the protocol on top of JsonReader's types.
class Members {
  public:
    explicit Members(const Json& value) : reader(value) { reader.allowUnknown(); }

    std::string text(std::string_view key, size_t bytesMax) {
        std::string value = reader.string(key);
        limit(key, value, bytesMax);
        return value;
    }
    std::string optionalText(std::string_view key, size_t bytesMax) {
        std::string value = reader.string(key, "");
        limit(key, value, bytesMax);
        return value;
    }
    std::string id(std::string_view key = "id") {
        std::string value = text(key, idBytesMax);
        // Ids become parts of file names and log lines at the other end.
        const bool plain =
            value.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
            std::string::npos;
        if (value.empty() || !plain || value.front() == '.')
            reader.problem(key, "must be letters, digits, '-', '_' or '.'");
        return value;
    }
    int64_t count(std::string_view key, int64_t fallback = 0) {
        const int64_t value = reader.integer(key, fallback);
        if (value < 0) reader.problem(key, "must not be negative");
        return value;
    }
    Json any(std::string_view key) {
        const Json* value = reader.child(key);
        return value ? *value : Json(nullptr);
    }
    // An object; absent or null becomes null.
    Json objectOrNull(std::string_view key) {
        const Json* value = reader.child(key);
        if (value && !value->is_object()) reader.problem(key, "must be an object");
        return value ? *value : Json(nullptr);
    }
    std::optional<Error> error(std::string_view key) {
        const Json* value = reader.child(key);
        if (!value) return std::nullopt;
        if (!value->is_object()) {
            reader.problem(key, "must be an object");
            return std::nullopt;
        }
        Error error = errorFromJson(*value);
        limit(key, error.message, sentenceBytesMax);
        limit(key, error.hint, sentenceBytesMax);
        return error;
    }
    void limit(std::string_view key, std::string_view value, size_t bytesMax) {
        if (value.size() > bytesMax) reader.problem(key, "is longer than " + std::to_string(bytesMax) + " bytes");
    }

    JsonReader reader;
};

void putError(JsonObject& out, const std::optional<Error>& error) {
    if (!error) return;
    Error shown = *error;
    shown.message = cutText(shown.message, sentenceBytesMax);
    shown.hint = cutText(shown.hint, sentenceBytesMax);
    out["error"] = errorToJson(shown);
}

// ---- one pair of functions per message; members in the order of docs/protocol/link.md

void write(const Hello& hello, JsonObject& out) {
    out["version"] = hello.version;
    out["server"] = hello.server;
    out["agentVersion"] = hello.agentVersion;
    out["bootId"] = hello.bootId;
    out["verbs"] = JsonArray(hello.verbs.begin(), hello.verbs.end());
    JsonObject epochs;
    for (const auto& [group, epoch] : hello.epochs) epochs[group] = epoch;
    out["epochs"] = std::move(epochs);
    JsonArray unfinished;
    for (const auto& command : hello.unfinished)
        unfinished.push_back(JsonObject{{"id", command.id}, {"verb", command.verb}});
    out["unfinished"] = std::move(unfinished);
}

void readEpochs(Members& in, Hello& hello) {
    const JsonObject* epochs = in.reader.object("epochs");
    if (!epochs) return;
    if (epochs->size() > listMax) in.reader.problem("epochs", "has too many members");
    for (const auto& member : *epochs) {
        if (member.key().size() > wordBytesMax || !member.value().is_int64() || member.value().get_int64() < 0) {
            in.reader.problem("epochs", "must map groups to numbers");
            return;
        }
        hello.epochs.emplace(member.key(), member.value().get_int64());
    }
}

void readUnfinished(Members& in, Hello& hello) {
    const JsonArray* list = in.reader.array("unfinished");
    if (!list) return;
    if (list->size() > listMax) in.reader.problem("unfinished", "has too many elements");
    for (const auto& element : *list) {
        Members command(element);
        UnfinishedCommand entry{command.id(), command.text("verb", wordBytesMax)};
        if (auto read = command.reader.finish(); !read) {
            in.reader.problem("unfinished", "has an element that is wrong: " + read.error().message);
            return;
        }
        hello.unfinished.push_back(std::move(entry));
    }
}

Hello readHello(Members& in) {
    Hello hello;
    hello.version = in.reader.integer("version");
    hello.server = in.text("server", wordBytesMax);
    hello.agentVersion = in.optionalText("agentVersion", wordBytesMax);
    hello.bootId = in.optionalText("bootId", wordBytesMax);
    hello.verbs = in.reader.strings("verbs");
    if (hello.verbs.size() > listMax) in.reader.problem("verbs", "has too many elements");
    for (const auto& verb : hello.verbs) in.limit("verbs", verb, wordBytesMax);
    readEpochs(in, hello);
    readUnfinished(in, hello);
    return hello;
}

void write(const Heartbeat& heartbeat, JsonObject& out) {
    out["sequence"] = heartbeat.sequence;
    out["at"] = heartbeat.at;
    out["facts"] = heartbeat.facts;
}

Heartbeat readHeartbeat(Members& in) {
    return Heartbeat{in.reader.integer("sequence"), in.count("at"), in.objectOrNull("facts")};
}

void write(const Progress& progress, JsonObject& out) {
    out["id"] = progress.id;
    out["done"] = progress.done;
    out["total"] = progress.total;
    out["sentence"] = cutText(progress.sentence, sentenceBytesMax);
}

Progress readProgress(Members& in) {
    return Progress{in.id(), in.count("done"), in.count("total"), in.optionalText("sentence", sentenceBytesMax)};
}

void write(const Outcome& outcome, JsonObject& out) {
    out["id"] = outcome.id;
    out["status"] = nameOf(outcome.status);
    out["result"] = outcome.result;
    putError(out, outcome.error);
    out["startedAt"] = outcome.startedAt;
    out["finishedAt"] = outcome.finishedAt;
    out["milliseconds"] = outcome.milliseconds;
}

Outcome readOutcome(Members& in) {
    Outcome outcome;
    outcome.id = in.id();
    if (!in.reader.has("status")) in.reader.problem("status", "is required");
    outcome.status = readEnum(in.reader, "status", outcomeStatusNames, OutcomeStatus::unknown);
    outcome.result = in.any("result");
    outcome.error = in.error("error");
    outcome.startedAt = in.count("startedAt");
    outcome.finishedAt = in.count("finishedAt");
    outcome.milliseconds = in.count("milliseconds");
    if (outcome.status != OutcomeStatus::done && !outcome.error) in.reader.problem("error", "is required unless done");
    return outcome;
}

void write(const LedgerReply& reply, JsonObject& out) {
    out["id"] = reply.id;
    out["state"] = nameOf(reply.state);
    out["result"] = reply.result;
    putError(out, reply.error);
}

LedgerReply readLedgerReply(Members& in) {
    LedgerReply reply;
    reply.id = in.id();
    if (!in.reader.has("state")) in.reader.problem("state", "is required");
    reply.state = readEnum(in.reader, "state", ledgerStateNames, LedgerState::unknown);
    reply.result = in.any("result");
    reply.error = in.error("error");
    if ((reply.state == LedgerState::failed || reply.state == LedgerState::unknown) && !reply.error)
        in.reader.problem("error", "is required");
    return reply;
}

void write(const Renew& renew, JsonObject& out) {
    out["request"] = renew.request;
}
Renew readRenew(Members& in) {
    return Renew{in.text("request", pemBytesMax)};
}

void write(const Welcome& welcome, JsonObject& out) {
    out["version"] = welcome.version;
    out["controllerVersion"] = welcome.controllerVersion;
    out["heartbeatMs"] = welcome.heartbeatMs;
}

Welcome readWelcome(Members& in) {
    Welcome welcome{in.reader.integer("version"), in.optionalText("controllerVersion", wordBytesMax),
                    in.reader.integer("heartbeatMs", limits::heartbeatMs)};
    if (welcome.heartbeatMs < 10 || welcome.heartbeatMs > 60'000)
        in.reader.problem("heartbeatMs", "must be between 10 and 60000");
    return welcome;
}

void write(const Command& command, JsonObject& out) {
    out["id"] = command.id;
    out["run"] = command.run;
    out["step"] = command.step;
    out["group"] = command.group;
    out["epoch"] = command.epoch;
    out["verb"] = command.verb;
    out["args"] = command.args;
    out["deadlineMs"] = command.deadlineMs;
}

Command readCommand(Members& in) {
    Command command;
    command.id = in.id();
    command.run = in.optionalText("run", idBytesMax);
    command.step = in.optionalText("step", wordBytesMax);
    command.group = in.optionalText("group", wordBytesMax);
    command.epoch = in.count("epoch");
    command.verb = in.text("verb", wordBytesMax);
    command.args = in.objectOrNull("args");
    if (command.args.is_null()) command.args = JsonObject{};
    command.deadlineMs = in.reader.integer("deadlineMs");
    if (command.deadlineMs < 1 || command.deadlineMs > deadlineMsMax)
        in.reader.problem("deadlineMs", "must be between 1 and " + std::to_string(deadlineMsMax));
    return command;
}

void write(const Inquire& inquire, JsonObject& out) {
    out["id"] = inquire.id;
}
void write(const Cancel& cancel, JsonObject& out) {
    out["id"] = cancel.id;
}

void write(const Certificate& certificate, JsonObject& out) {
    out["pem"] = certificate.pem;
    out["authority"] = certificate.authority;
}

Certificate readCertificate(Members& in) {
    return Certificate{in.text("pem", pemBytesMax), in.text("authority", pemBytesMax)};
}

void write(const Refused& refused, JsonObject& out) {
    putError(out, refused.error);
}

Refused readRefused(Members& in) {
    auto error = in.error("error");
    if (!error) in.reader.problem("error", "is required");
    return Refused{error.value_or(Error())};
}

// ---- the table of types

struct TypeRow {
    std::string_view name;
    Message (*read)(Members& in);
};

// In the order of Message's alternatives: the index of the variant is the index here.
constexpr std::array<TypeRow, std::variant_size_v<Message>> types{{
    {"hello", [](Members& in) -> Message { return readHello(in); }},
    {"heartbeat", [](Members& in) -> Message { return readHeartbeat(in); }},
    {"progress", [](Members& in) -> Message { return readProgress(in); }},
    {"outcome", [](Members& in) -> Message { return readOutcome(in); }},
    {"ledger-reply", [](Members& in) -> Message { return readLedgerReply(in); }},
    {"renew", [](Members& in) -> Message { return readRenew(in); }},
    {"welcome", [](Members& in) -> Message { return readWelcome(in); }},
    {"command", [](Members& in) -> Message { return readCommand(in); }},
    {"inquire", [](Members& in) -> Message { return Inquire{in.id()}; }},
    {"cancel", [](Members& in) -> Message { return Cancel{in.id()}; }},
    {"certificate", [](Members& in) -> Message { return readCertificate(in); }},
    {"refused", [](Members& in) -> Message { return readRefused(in); }},
}};

}  // namespace

std::string_view nameOf(OutcomeStatus status) {
    return nameIn(outcomeStatusNames, status);
}
std::string_view nameOf(LedgerState state) {
    return nameIn(ledgerStateNames, state);
}

LedgerState ledgerState(OutcomeStatus status) {
    switch (status) {
        case OutcomeStatus::done:
            return LedgerState::done;
        case OutcomeStatus::failed:
            return LedgerState::failed;
        case OutcomeStatus::unknown:
            break;
    }
    return LedgerState::unknown;
}

std::string_view typeName(const Message& message) {
    return types[message.index()].name;
}

std::string encode(const Message& message) {
    JsonObject out;
    out["type"] = typeName(message);
    std::visit([&out](const auto& one) { write(one, out); }, message);
    std::string text = toText(out);
    repairUtf8(text);
    return text;
}

Result<Message> decode(std::string_view text) {
    auto value = parseJson(text, limits::linkFrameBytes);
    if (!value) return fail(ErrorCode::ProtocolViolation, "a message that cannot be read: " + value.error().message);
    Members in(*value);
    const std::string type = in.text("type", wordBytesMax);
    for (const TypeRow& row : types) {
        if (row.name != type) continue;
        Message message = row.read(in);
        if (auto read = in.reader.finish(); !read)
            return fail(ErrorCode::ProtocolViolation, "a message of type " + type + ": " + read.error().message);
        return message;
    }
    if (auto read = in.reader.finish(); !read) return fail(ErrorCode::ProtocolViolation, read.error().message);
    return fail(ErrorCode::ProtocolViolation, "a message of the unknown type " + type.substr(0, 40),
                "controller and agent are of different versions; update the older one");
}

}  // namespace swb::link
