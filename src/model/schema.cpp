#include "model/application.h"

namespace swb {
namespace {

Json text(std::string_view description) {
    return JsonObject{{"type", "string"}, {"description", description}};
}
Json words(std::initializer_list<std::string_view> values) {
    JsonArray list;
    for (const auto value : values) list.emplace_back(value);
    return JsonObject{{"type", "string"}, {"enum", list}};
}
Json strings(std::string_view description) {
    return JsonObject{{"type", "array"},
                      {"items", JsonObject{{"type", JsonArray{"string", "integer"}}}},
                      {"description", description}};
}
Json object(JsonObject properties, JsonArray required) {
    return JsonObject{{"type", "object"},
                      {"additionalProperties", false},
                      {"properties", std::move(properties)},
                      {"required", std::move(required)}};
}
Json mapOf(Json schema) {
    return JsonObject{{"type", "object"}, {"additionalProperties", std::move(schema)}};
}

Json environment() {
    return mapOf(JsonObject{{"type", JsonArray{"string", "integer", "boolean"}}});
}

Json service() {
    return object({{"manage", words({"direct", "systemd", "pg_ctlcluster"})},
                   {"data", text("data directory of the database")},
                   {"bin", text("directory of the service's programs")},
                   {"unit", text("systemd unit, or the cluster's name with pg_ctlcluster")},
                   {"version", text("major version of the cluster, with pg_ctlcluster")},
                   {"socket", text("directory of the database's unix socket")},
                   {"config", text("web front: main configuration file when direct, else the directory of site files")},
                   {"superuser", text("database role the agent works as")},
                   {"run_as", text("operating-system user of the service")}},
                  {});
}

Json process() {
    return object({{"name", text("name; by default the key")},
                   {"server", text("name of the server it runs on")},
                   {"command", strings("program and arguments")},
                   {"directory", text("working directory")},
                   {"health", text("URL that answers 2xx when the process is healthy")},
                   {"writes", JsonObject{{"type", "boolean"},
                                         {"description", "stopped by maintenance, runs only at the current site"}}},
                   {"on_change", words({"restart", "reload", "none"})},
                   {"stop_signal", words({"TERM", "INT", "QUIT", "HUP", "USR1", "USR2", "WINCH"})},
                   {"stop_ms", JsonObject{{"type", "integer"}, {"minimum", 0}, {"maximum", 600'000}}},
                   {"run_as", text("operating-system user it runs as; the agent must be root, or that user")},
                   {"environment", environment()}},
                  {"server", "command"});
}

Json web() {
    return object({{"server", text("name of the server it runs on")},
                   {"front", words({"nginx", "haproxy"})},
                   {"address", text("IP address that the failover address answers")},
                   {"listen", strings("ports, or address:port")},
                   {"upstream", text("HOST:PORT of the application's web process")},
                   {"service", service()},
                   {"server_name", text("server name; empty: any")},
                   {"certificate", text("TLS certificate file on the server")},
                   {"key", text("TLS key file on the server")}},
                  {"server", "address", "listen", "upstream"});
}

Json replica() {
    return object({{"name", text("name; by default the key")},
                   {"server", text("name of the server it runs on")},
                   {"service", service()},
                   {"address", text("HOST:PORT where the application reads from it")},
                   {"replication", text("HOST:PORT where others replicate from it, when that is not the address"
                                        " (redis, valkey: the TLS port)")}},
                  {"server", "address"});
}

Json database() {
    return object({{"name", text("name; by default the key")},
                   {"engine", words({"postgresql", "mariadb", "mysql", "redis", "valkey"})},
                   {"server", text("name of the server it runs on")},
                   {"service", service()},
                   {"address", text("HOST:PORT where the application and the other site reach it")},
                   {"copy", text("HOST:PORT where this site's agent hands out physical copies (mariadb); without it a"
                                 " copy is a dump")},
                   {"replication", text("HOST:PORT where the other site replicates from, when that is not the address"
                                        " (redis, valkey: the TLS port)")},
                   {"database", text("name of the application's database")},
                   {"user", text("role the application connects as")},
                   {"replicas", mapOf(replica())},
                   {"synchronous", object({{"with", text("application whose copy confirms every commit (postgresql)")},
                                           {"when_cut", words({"degrade", "wait"})}},
                                          {"with"})}},
                  {"server", "address"});
}

}  // namespace

Json applicationSchema() {
    Json schema =
        object({{"application", text("name of the application")},
                {"site", text("name of the site it runs at")},
                {"code", object({{"source", text("repository URL or directory")},
                                 {"revision", text("tag, branch or commit")},
                                 {"build", text("command that builds it")}},
                                {"source"})},
                {"processes", mapOf(process())},
                {"environment", environment()},
                {"environment_differs", strings("variables that differ from the other application's on purpose")},
                {"web", JsonObject{{"type", "array"}, {"items", web()}}},
                {"databases", mapOf(database())},
                {"maintenance",
                 object({{"page", text("HTML of the maintenance page; empty: the product's own")},
                         {"retry_after", JsonObject{{"type", "integer"}, {"minimum", 1}, {"maximum", 86400}}},
                         {"bypass_addresses", strings("addresses or networks of operators who pass maintenance")},
                         {"bypass_cookie", text("value of the cookie swingbridge_bypass that passes maintenance")},
                         {"drain_ms", JsonObject{{"type", "integer"},
                                                 {"minimum", 0},
                                                 {"maximum", 10'000},
                                                 {"description",
                                                  "longest that requests in flight are waited for once the page is"
                                                  " shown; 0: not at all"}}}},
                        {})}},
               {"application", "site"});
    schema.as_object()["$schema"] = "https://json-schema.org/draft/2020-12/schema";
    schema.as_object()["title"] = "Swingbridge application definition";
    return schema;
}

}  // namespace swb
