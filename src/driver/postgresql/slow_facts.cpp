#include <algorithm>
#include <cstdlib>
#include <set>

#include "driver/postgresql/facts.h"
#include "driver/support/files.h"

namespace swb::driver::postgresql {

namespace {

// What belongs to one database and not to the server. On a replica the rows are the source's; the files of extensions
// and the collations are those of its own operating system.
constexpr std::string_view insideFacts = R"sql(SELECT json_build_object(
  'extensions', (SELECT coalesce(json_agg(extname || ' ' || extversion), '[]') FROM pg_extension),
  'missingExtensions', (SELECT coalesce(json_agg(extname || ' ' || extversion), '[]') FROM pg_extension AS installed
      WHERE NOT EXISTS (SELECT FROM pg_available_extension_versions AS available
                        WHERE available.name = extname AND available.version = extversion)),
  'unlogged', (SELECT coalesce(json_agg(oid::regclass::text), '[]') FROM (SELECT oid FROM pg_class
      WHERE relpersistence = 'u' AND relkind = 'r' LIMIT 100) AS unlogged),
  'collationMismatches', (SELECT coalesce(json_agg(collname || ' (' || collversion || ' / ' || actual || ')'), '[]')
      FROM (SELECT collname, collversion, pg_collation_actual_version(oid) AS actual FROM pg_collation
            WHERE collversion IS NOT NULL) AS versioned WHERE collversion <> actual),
  'largeObjects', (SELECT count(*) FROM (SELECT FROM pg_largeobject_metadata LIMIT 1000) AS objects)))sql";

// Every database is asked, for a switch moves them all; in the first ones where there are very many.
void addInsides(const Instance& instance, Connection& connection, JsonObject& facts, const Context& context) {
    constexpr size_t databasesMax = 20;
    const auto names = connection.query("SELECT datname FROM pg_database WHERE datallowconn ORDER BY datname = " +
                                            connection.literal(instance.spec().database) + " DESC, datname",
                                        context.deadline);
    if (!names) return;
    std::set<std::string> extensions, missing, collations;
    JsonArray unlogged;
    int64_t largeObjects = 0;
    for (size_t at = 0; at < std::min(names->size(), databasesMax); ++at) {
        const std::string name = (*names)[at].at(0).value_or("");
        auto own = instance.connect(name, context);
        if (!own) continue;
        const auto text = own->value(std::string(insideFacts), context.deadline);
        const auto inside = parseJson(text.value_or("{}"));
        if (!inside) continue;
        const auto collect = [&inside](const char* key, auto&& take) {
            if (const Json* list = memberAt(*inside, key); list && list->is_array())
                for (const Json& one : list->get_array()) take(std::string(one.as_string()));
        };
        collect("extensions", [&](std::string one) { extensions.insert(std::move(one)); });
        collect("missingExtensions", [&](std::string one) { missing.insert(std::move(one)); });
        collect("collationMismatches", [&](std::string one) { collations.insert(name + ": " + one); });
        collect("unlogged", [&](const std::string& one) { unlogged.emplace_back(name + ": " + one); });
        largeObjects += integerAt(*inside, "largeObjects");
    }
    facts["extensions"] = JsonArray(extensions.begin(), extensions.end());
    facts["missingExtensions"] = JsonArray(missing.begin(), missing.end());
    facts["collationMismatches"] = JsonArray(collations.begin(), collations.end());
    facts["unloggedTables"] = static_cast<int64_t>(unlogged.size());
    facts["unloggedNames"] = std::move(unlogged);
    facts["largeObjects"] = largeObjects;
}

JsonObject readSlow(const Instance& instance, Connection& connection, const Context& context) {
    JsonObject facts;
    const auto sizes = connection.value(
        "SELECT json_object_agg(datname, pg_database_size(oid)) FROM pg_database WHERE datname <> 'template0'",
        context.deadline);
    if (sizes) facts["sizes"] = parseJson(*sizes).value_or(nullptr);
    const auto backlog =
        connection.value("SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'", context.deadline);
    if (backlog) facts["archiveBacklog"] = std::atoll(backlog->c_str());
    facts["dataBytes"] = treeBytes(instance.data());
    addInsides(instance, connection, facts, context);
    return facts;
}

}  // namespace

JsonObject SlowFacts::of(const Instance& instance, Connection& connection, const Context& context) {
    return kept_.of(instance.data(), [&] { return readSlow(instance, connection, context); });
}

}  // namespace swb::driver::postgresql
