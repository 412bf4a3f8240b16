// An application: the deployment of one code base at one site, as its definition file says (DESIGN.md §10).
// The definition comes in as YAML (model/yaml.h turns it into JSON with positions) and is kept as JSON.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/address.h"

namespace swb {

enum class Engine { postgresql, mariadb, mysql, redis, valkey };
enum class Manage { direct, systemd, pg_ctlcluster };
enum class Front { nginx, haproxy };
// What a process needs when its environment file changes.
enum class OnChange { restart, reload, none };
// What asks a process to end. Programs differ in which of them lets work in progress end first.
enum class StopSignal { term, interrupt, quit, hangup, user1, user2, windowChange };

// How the service behind a database or a web front is started and stopped.
struct ServiceSpec {
    Manage manage = Manage::direct;
    std::string data;     // database: data directory
    std::string bin;      // directory of the service's programs
    std::string unit;     // systemd: unit name; pg_ctlcluster: cluster name
    std::string version;  // pg_ctlcluster: major version of the cluster
    std::string socket;   // database: its unix socket for the agent's own connections; postgresql: the directory of it
    std::string config;   // database or web front: main configuration file; web front by systemd: directory of sites
    std::string superuser;  // database role the agent works as; empty: postgres, root or default, by the engine
    std::string runAs;      // operating-system user of the service; empty: owner of the data directory
};

struct ProcessSpec {
    std::string name;
    std::string server;
    std::vector<std::string> command;  // argv; never a shell string
    std::string directory;             // working directory; empty: the code's
    std::string health;                // URL; 2xx is healthy; empty: running is healthy
    bool writes = false;               // stopped by maintenance, started only at the current site
    OnChange onChange = OnChange::restart;
    StopSignal stopSignal = StopSignal::term;
    int64_t stopMs = 5000;  // from that signal to SIGKILL
    std::string runAs;      // operating-system user; empty: the agent's own
    std::map<std::string, std::string> environment;
};

struct WebSpec {
    std::string server;
    Front front = Front::nginx;
    std::string address;              // IP address that the failover address answers
    std::vector<std::string> listen;  // ports, or address:port
    HostPort upstream;
    ServiceSpec service;
    std::string serverName;        // nginx server_name; empty: any
    std::string certificate, key;  // TLS files on the server; empty: plain HTTP
};

constexpr int64_t drainMsDefault = 500;

struct MaintenanceSpec {
    std::string page;  // HTML; empty: the product's own page
    int64_t retryAfterSeconds = 30;
    std::vector<std::string> bypassAddresses;  // operators' addresses, or CIDR
    std::string bypassCookie;                  // value of the cookie swingbridge_bypass; empty: no cookie bypass
    // Longest that requests in flight are waited for once the page is shown; 0: not at all.
    int64_t drainMs = drainMsDefault;
};

// A read-only replica beside a database at its own site (F18): a server of the same engine that follows it.
struct ReplicaSpec {
    std::string name;
    std::string server;
    ServiceSpec service;
    HostPort address;                     // where the application reads from it
    std::optional<HostPort> replication;  // where others replicate from it, when that is not `address`
};

// Commits that wait for another application's copy (PostgreSQL). When that copy is out of reach: go on without it after
// a few seconds and say so, or wait for as long as it takes and say so.
enum class WhenCut { degrade, wait };
struct SynchronousSpec {
    std::string with;  // the application whose copy confirms; empty: none, commits are asynchronous
    WhenCut whenCut = WhenCut::degrade;
};

struct DatabaseSpec {
    std::string name;
    Engine engine = Engine::postgresql;
    std::string server;
    ServiceSpec service;
    HostPort address;                     // where the application and the other site reach it
    std::optional<HostPort> replication;  // where the other site replicates from, when that is not `address`
    std::optional<HostPort> copy;         // mariadb: where this site's agent hands out physical copies; none: dumps
    std::string database;                 // name of the application's database
    std::string user;                     // role the application connects as
    std::map<std::string, ReplicaSpec> replicas;
    SynchronousSpec synchronous;

    const HostPort& replicationAddress() const { return replication ? *replication : address; }
};

struct CodeSpec {
    std::string source, revision, build;
};

struct Application {
    std::string name;
    std::string site;
    CodeSpec code;
    std::map<std::string, ProcessSpec> processes;
    std::map<std::string, std::string> environment;
    std::vector<std::string> environmentDiffers;  // variables that differ from the peer's on purpose
    std::vector<WebSpec> web;
    std::map<std::string, DatabaseSpec> databases;
    MaintenanceSpec maintenance;

    // Every server of the application itself, sorted, each once; those of replicas inside it are not among them:
    // nothing of the application waits for them (model/copy.h).
    std::vector<std::string> servers() const;
    // Addresses of the web fronts, sorted, each once: what the failover address answers.
    std::vector<std::string> frontAddresses() const;
};

// Whether the process is what the front passes its requests to, as far as its health URL tells.
bool isBehind(const ProcessSpec& process, const WebSpec& web);

// Checks names, limits, addresses, references; unknown keys are errors. Error messages begin with the path.
Result<Application> applicationFromJson(const Json& value);
// The same of any copy, whose name an application cannot have (model/copy.h).
Result<Application> copyFromJson(const Json& value);
Json applicationToJson(const Application& application);
// From the text of a definition file; errors name line and column.
Result<Application> applicationFromYaml(std::string_view text);

// One server: without its replicas, which have servers of their own.
Json toJson(const DatabaseSpec& spec);
Json toJson(const ReplicaSpec& spec);
Result<DatabaseSpec> databaseFromJson(const Json& value, std::string_view name, std::string path = "database");
Json toJson(const WebSpec& spec);
Result<WebSpec> webFromJson(const Json& value, std::string path = "web");
Json toJson(const ProcessSpec& spec);
Result<ProcessSpec> processFromJson(const Json& value, std::string_view name, std::string path = "process");
Json toJson(const MaintenanceSpec& spec);
Result<MaintenanceSpec> maintenanceFromJson(const Json& value, std::string path = "maintenance");

std::string_view nameOf(Engine engine);
// What the names of an engine's variables begin with: POSTGRESQL, MYSQL, REDIS (F21).
std::string_view variablePrefix(Engine engine);
// PREFIX_ADDRESS and the like for the first database of an engine, PREFIX_REPORTS_ADDRESS for every one by its name.
std::string variablePrefix(Engine engine, std::string_view database);
std::string_view nameOf(Manage manage);
std::string_view nameOf(Front front);
std::string_view nameOf(OnChange onChange);
std::string_view nameOf(StopSignal signal);
std::string_view nameOf(WhenCut whenCut);

// The JSON Schema of definition files, as published by `swing app schema`.
Json applicationSchema();

}  // namespace swb
