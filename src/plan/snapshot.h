// What a planner sees: everything it needs to know of the world, taken at one time. Built by the edges, judged here.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/application.h"
#include "model/group.h"
#include "plan/secondary_view.h"

namespace swb::plan {

struct AgentView {
    bool connected = false;
    std::vector<std::string> verbs;
    std::string version;
    int64_t clockSkewMs = 0;  // agent's clock minus the controller's, as seen with its newest heartbeat
};

// A publication of the group elsewhere, as it was seen last.
struct PublicationView {
    std::string key;  // "www.shop.example/A"
    std::string provider;
    AddressType type = AddressType::a;
    std::string standing;  // "published", "partial", …
    std::string detail, hint;
    UnixMs checkedAt = 0;  // of the newest pre-flight; 0: none yet
    std::string problem;   // what it found: credential, drift, mark; empty: nothing
    std::string problemHint;
    int64_t requestsLeft = -1;  // of the provider's rate limit; -1: it does not say
};

struct Snapshot {
    UnixMs at = 0;
    Group group;                              // empty name: no group
    std::optional<Application> from, to;      // copies (model/copy.h): applications, or replicas inside one
    std::optional<Application> owner;         // of replicas inside it, when `to` names those
    std::optional<Application> former;        // `to` as it was defined before; nothing: it is new, or does not change
    std::vector<Application> followers;       // copies that replicate from `to`
    std::vector<Link> links;                  // all links (trees of replicas, use of applications)
    std::vector<Group> groups;                // all groups (slot rules, use of applications)
    std::map<std::string, AgentView> agents;  // by server
    std::map<std::string, Json> databases;    // FACTS by "application/database"
    std::map<std::string, Json> fronts;       // {mode, status} by "application/address"
    std::map<std::string, Json> processes;    // {running, healthy} by "application/process"
    std::map<std::string, Json> servers;      // server.inspect by server
    bool dnsServing = false;
    std::vector<PublicationView> publications;  // of the group
    std::vector<SecondaryView> secondaries;     // of the zone that the group's address is in
    Json address;  // the newest test of the address: {at, warnings: [{name, subject, sentence, hint}]}; null: none yet

    const Json* facts(const Application& application, const std::string& database) const;
    const Link* linkTo(const std::string& copy, const std::string& database) const;
};

// Names of the databases that both applications have, with the same engine.
std::vector<std::string> commonDatabases(const Application& a, const Application& b);

}  // namespace swb::plan
