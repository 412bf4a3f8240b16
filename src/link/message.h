// The messages between controller and agent (docs/protocol/link.md): JSON text frames over one WebSocket.
//
//   agent ──────► controller   Hello Heartbeat Progress Outcome LedgerReply Renew
//   controller ─► agent        Welcome Command Inquire Cancel Certificate Refused
//
// Both ends use these types, so neither can say what the other does not know. Pure: text in, values out; nothing here
// knows sockets, clocks or threads. What comes in may be anything: decode() checks types, limits and names. A type it
// does not know is a violation; members it does not know are ignored, so that version 1 can grow.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"

namespace swb::link {

constexpr int64_t protocolVersion = 1;
constexpr size_t idBytesMax = 64;                       // of a command, run or step
constexpr size_t wordBytesMax = 256;                    // of names, versions and verbs
constexpr size_t sentenceBytesMax = 4 << 10;            // of an error's message and hint, and of progress
constexpr size_t pemBytesMax = 64 << 10;                // certificates and requests
constexpr size_t listMax = 4096;                        // verbs, epochs, unfinished commands
constexpr int64_t deadlineMsMax = 7 * 24 * 3600'000LL;  // a base backup may take days, nothing takes more

// ---- agent to controller

struct UnfinishedCommand {
    std::string id;
    std::string verb;
    bool operator==(const UnfinishedCommand&) const = default;
};

// First message of every connection.
struct Hello {
    int64_t version = protocolVersion;
    std::string server;        // must be the common name of the agent's certificate
    std::string agentVersion;  // of the program, for people
    std::string bootId;        // changes when the machine starts anew
    std::vector<std::string> verbs;
    std::map<std::string, int64_t> epochs;      // newest seen, by group
    std::vector<UnfinishedCommand> unfinished;  // started, no outcome yet: running, or being settled
};

struct Heartbeat {
    int64_t sequence = 0;  // grows by 1 within a connection, from 1
    UnixMs at = 0;         // the agent's clock
    Json facts;            // telemetry; null when nothing was sampled yet
};

struct Progress {
    std::string id;
    int64_t done = 0;
    int64_t total = 0;  // 0: not known
    std::string sentence;
};

enum class OutcomeStatus { done, failed, unknown };

// What became of a command. Sent once when the verb ends; a controller that missed it sends Inquire.
struct Outcome {
    std::string id;
    OutcomeStatus status = OutcomeStatus::unknown;
    Json result;                 // done: the verb's result; otherwise null, or what is known in spite of it
    std::optional<Error> error;  // set unless done
    UnixMs startedAt = 0;
    UnixMs finishedAt = 0;
    int64_t milliseconds = 0;  // by the agent's monotonic clock
};

enum class LedgerState { never, running, done, failed, unknown };

// Answer to Inquire. `never`: this id was not executed and is not being executed. It may still arrive if it was sent
// on a connection that is not this one's predecessor; epochs and deadlines take care of those.
struct LedgerReply {
    std::string id;
    LedgerState state = LedgerState::never;
    Json result;
    std::optional<Error> error;
};

// Asks for a new certificate before the present one expires.
struct Renew {
    std::string request;  // PEM
};

// ---- controller to agent

// Answer to Hello: the connection is established.
struct Welcome {
    int64_t version = protocolVersion;
    std::string controllerVersion;
    int64_t heartbeatMs = limits::heartbeatMs;
};

struct Command {
    std::string id;   // unique for ever: the key of the agent's ledger
    std::string run;  // may be empty: outside any run
    std::string step;
    std::string group;  // may be empty: then nothing is fenced by epoch
    int64_t epoch = 0;
    std::string verb;
    Json args;
    int64_t deadlineMs = 0;  // from receipt
};

struct Inquire {
    std::string id;
};

// Asks a running verb to end at its next safe point. The command's outcome comes as usual.
struct Cancel {
    std::string id;
};

struct Certificate {
    std::string pem;
    std::string authority;
};

// The controller does not accept this agent, or the message it just sent; the connection is closed after it.
struct Refused {
    Error error;
};

using Message = std::variant<Hello, Heartbeat, Progress, Outcome, LedgerReply, Renew, Welcome, Command, Inquire, Cancel,
                             Certificate, Refused>;

// "hello", "ledger-reply", …
std::string_view typeName(const Message& message);
std::string encode(const Message& message);
// ProtocolViolation for everything that is not a message of this version.
Result<Message> decode(std::string_view text);

std::string_view nameOf(OutcomeStatus status);
std::string_view nameOf(LedgerState state);

// The ledger's view of an outcome, as LedgerReply carries it.
LedgerState ledgerState(OutcomeStatus status);

}  // namespace swb::link
