// The other nouns: sites, servers, tokens, failover groups, links. Each is one document in the store.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "model/application.h"
#include "model/publication.h"

namespace swb {

struct Site {
    std::string name;
    std::string title;
};

struct Server {
    std::string name;
    std::string site;
    UnixMs joinedAt = 0;
    std::string certificateFingerprint;  // of the newest certificate given to it
};

// Document id: hash of the token.
struct JoinToken {
    std::string hash;
    std::string server;
    std::string site;
    UnixMs expiresAt = 0;
    UnixMs usedAt = 0;  // 0: not used
};

enum class Role { viewer, operator_, admin };

struct ApiToken {
    std::string id, hash, name;
    Role role = Role::viewer;
    UnixMs expiresAt = 0;  // 0: never
};

// A failover group. Slots: primary and secondary applications; both may be empty (a reserved address).
struct Group {
    std::string id;  // fg-…
    std::string name;
    std::string primary, secondary;  // application names
    std::string current;             // the application the address answers; empty while there is none
    std::string label;               // first label of the address under the zone: chosen, or nnn-nnn-nnn
    std::string address;             // label.zone, without the final dot
    int64_t ttl = 300;               // seconds
    int64_t epoch = 0;
    std::string busy;  // id of the run that holds the lock; empty: free
    int64_t outageBudgetMs = limits::outageBudgetMs;
    bool isProtected = false;  // a switch needs an admin
    // By application: the web fronts (addresses) that get the failover address; absent: all of them (F8).
    std::map<std::string, std::vector<std::string>> fronts;
    std::vector<std::string> domains;       // the team's own names that lead to the address (F11, F14)
    int64_t lowTtl = 30;                    // seconds: the TTL while a switch is prepared (F51)
    UnixMs ttlLoweredAt = 0;                // 0: the TTL is its usual one
    std::vector<Publication> publications;  // record sets in zones of other providers that follow the address (F52)
    // A link between its applications that is further behind than that is `behind`, and an alarm is raised (F36).
    int64_t lagAlertBytes = 64 << 20;
    int64_t lagAlertSeconds = 30;
    UnixMs createdAt = 0, updatedAt = 0;

    int64_t answeredTtl() const { return ttlLoweredAt && lowTtl < ttl ? lowTtl : ttl; }
    // From then on no cache holds an answer with the usual TTL; 0: the TTL is not lowered.
    UnixMs ttlSafeAt() const { return ttlLoweredAt ? ttlLoweredAt + ttl * 1000 : 0; }
    std::string standby() const { return current == primary ? secondary : primary; }
};

// What the failover address answers while this application is current: the chosen fronts that it still has, or all.
std::vector<std::string> answeredAddresses(const Group& group, const Application& application);

enum class LinkState { none, seeding, streaming, behind, broken, diverged, stopped };

// Replication from one copy of a database to another of the same name (model/copy.h): between two applications, or from
// an application to a replica inside it.
// Document id: "FROM/TO/DATABASE"; a switch turns FROM and TO round (new document, old removed, one commit).
struct Link {
    std::string from, to, database, engine;
    UnixMs since = 0;

    std::string id() const { return from + "/" + to + "/" + database; }
    // Name of the replication slot at the source for the copy `to`.
    static std::string slotFor(std::string_view application);
};

Json toJson(const Site& site);
Json toJson(const Server& server);
Json toJson(const JoinToken& token);
Json toJson(const ApiToken& token);
Json toJson(const Group& group);
Json toJson(const Link& link);
Result<Site> siteFromJson(const Json& value);
Result<Server> serverFromJson(const Json& value);
Result<JoinToken> joinTokenFromJson(const Json& value);
Result<ApiToken> apiTokenFromJson(const Json& value);
Result<Group> groupFromJson(const Json& value);
// By its key; null when there is none.
const Publication* findPublication(const Group& group, std::string_view key);
// The member `fronts` of a group or of a request that changes one: {"APP": ["ADDRESS"…]}.
Result<std::map<std::string, std::vector<std::string>>> groupFrontsFromJson(JsonReader& reader);
Result<Link> linkFromJson(const Json& value);

std::string_view nameOf(Role role);
std::optional<Role> roleFromName(std::string_view name);
std::string_view nameOf(LinkState state);

// "417-052-938": three groups of three random digits.
std::string randomLabel();

}  // namespace swb
