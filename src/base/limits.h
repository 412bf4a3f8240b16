// Every limit of the product, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace swb::limits {

constexpr size_t bodyBytes = 1 << 20;         // an application definition with a maintenance page fits ten times
constexpr size_t headerBytes = 16 << 10;      // tokens and cookies; more is an attack
constexpr size_t linkFrameBytes = 4 << 20;    // one protocol message; inspections of many databases are the largest
constexpr size_t httpConnections = 1024;      // of one controller; each holds a socket and about 40 KiB
constexpr size_t eventStreams = 128;          // long-lived readers of the event log
constexpr int64_t requestTimeoutMs = 30'000;  // to read one whole request
constexpr int64_t idleTimeoutMs = 60'000;     // keep-alive
constexpr size_t groupsMax = 100'000;         // one zone's worth
constexpr size_t domainsPerGroup = 64;        // each is looked up when the address is tested
constexpr size_t publicationsPerGroup = 16;   // each is a provider that a switch waits for
constexpr size_t serversPerApplication = 64;
constexpr size_t databasesPerApplication = 16;
constexpr size_t replicasPerDatabase = 8;  // inside one application; more read load wants a tree of them
constexpr size_t processesPerApplication = 64;
constexpr size_t environmentVariables = 256;
constexpr size_t environmentValueBytes = 8 << 10;
constexpr size_t maintenancePageBytes = 256 << 10;
constexpr size_t runHistory = 1000;        // finished runs kept per controller
constexpr size_t eventHistory = 200'000;   // events kept per controller; about 100 MiB, years of a usual one
constexpr size_t documentBytes = 4 << 20;  // of one stored document as text; a run with its whole journal fits
constexpr size_t commitObjects = 4096;   // written by one commit; an import of a large controller, not a loop gone wild
constexpr size_t eventPage = 500;        // events answered at once
constexpr size_t ledgerEntries = 2000;   // outcomes an agent remembers; far more than one run has commands
constexpr size_t commandsInFlight = 64;  // per agent
constexpr int64_t heartbeatMs = 1000;    // agent to controller
constexpr int64_t heartbeatLostMs = 5000;  // silence after which an agent counts as not connected
constexpr int64_t joinTokenMs = 3600'000;  // default life of a join token
constexpr int64_t outageBudgetMs =
    10'000;  // default: longest a planned switch may keep writes away before it rolls back

}  // namespace swb::limits
