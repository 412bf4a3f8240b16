// Definition files as people write them: what is accepted, and that every refusal says what, where and why.
#include "model/application.h"

#include <gmock/gmock.h>

#include "base/limits.h"
#include "model/yaml.h"

namespace swb {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const std::string complete = R"(application: shop-fra
site: fra
code: {source: https://git.example/shop.git, revision: v1.4.2, build: make release}
processes:
  web: {server: fra-1, command: [./shop, --listen, 127.0.0.1:3000], directory: /srv/shop, health: http://127.0.0.1:3000/healthz}
  worker: {name: worker, server: fra-2, command: [./worker], writes: true, on_change: none, stop_signal: QUIT, stop_ms: 2000, run_as: shop, environment: {A: 1}}
environment: {SHOP_NAME: The Shop, WORKERS: 4, DEBUG: false}
environment_differs: [SHOP_NAME]
web:
  - server: fra-1
    front: nginx
    address: 192.0.2.10
    listen: [80, "192.0.2.10:443"]
    upstream: 127.0.0.1:3000
    service: {manage: systemd, unit: nginx, config: /etc/nginx/conf.d}
    server_name: shop.example
    certificate: /etc/ssl/shop.pem
    key: /etc/ssl/shop.key
databases:
  main:
    name: main
    engine: postgresql
    server: fra-3
    service: {manage: direct, data: /srv/pg, bin: /usr/lib/postgresql/15/bin, unit: a, version: "15", socket: /run/pg, superuser: pg, run_as: pg}
    address: "[2001:db8::5]:5432"
    replication: 192.0.2.5:5433
    database: shop
    user: shop
    synchronous: {with: shop-nyc, when_cut: wait}
    replicas:
      reports:
        name: reports
        server: fra-4
        service: {manage: direct, data: /srv/pg, bin: /b, unit: a, version: "15", socket: /run/pg, config: /c, superuser: pg, run_as: pg}
        address: 192.0.2.6:5432
        replication: 192.0.2.6:5433
  invoices:
    engine: mariadb
    server: fra-3
    service: {manage: direct, data: /srv/mariadb, bin: /b, unit: a, version: "10", socket: /run/m, config: /c, superuser: root, run_as: m}
    address: 192.0.2.5:3306
    copy: 192.0.2.5:3307
maintenance: {page: "<h1>Back soon</h1>", retry_after: 60, bypass_addresses: [192.0.2.0/24], bypass_cookie: let-me-in-0123456789, drain_ms: 1500}
)";

const std::string head = "application: shop\nsite: fra\n";
const std::string process = head + "processes:\n  web: {server: fra-1, command: [./shop]";
const std::string web = head + "web:\n  - {server: fra-1, address: 192.0.2.1, listen: [80], upstream: 127.0.0.1:80";
const std::string database =
    head + "databases:\n  main: {server: fra-1, address: 192.0.2.1:5432, service: {data: /d, bin: /b}";

std::string refusalOf(const std::string& text) {
    const auto application = applicationFromYaml(text);
    if (application) return "accepted";
    EXPECT_EQ(
        codeClass(application.error().code) == ErrorClass::usage || application.error().code == ErrorCode::Unsupported,
        true)
        << describe(application.error());
    return application.error().message;
}

TEST(Definition, EveryMemberIsReadAndKept) {
    const auto application = applicationFromYaml(complete);
    ASSERT_TRUE(application.has_value()) << describe(application.error());
    EXPECT_EQ(application->code.build, "make release");
    EXPECT_EQ(application->processes.at("web").command,
              (std::vector<std::string>{"./shop", "--listen", "127.0.0.1:3000"}));
    EXPECT_FALSE(application->processes.at("web").writes);
    EXPECT_EQ(application->processes.at("web").stopMs, 5000);
    EXPECT_TRUE(application->processes.at("worker").writes);
    EXPECT_EQ(application->processes.at("worker").onChange, OnChange::none);
    EXPECT_EQ(application->processes.at("worker").stopSignal, StopSignal::quit);
    EXPECT_EQ(application->processes.at("web").stopSignal, StopSignal::term);
    EXPECT_EQ(application->processes.at("worker").environment.at("A"), "1");
    EXPECT_EQ(application->processes.at("worker").runAs, "shop");
    EXPECT_EQ(application->environment.at("WORKERS"), "4");
    EXPECT_EQ(application->environmentDiffers, std::vector<std::string>{"SHOP_NAME"});
    EXPECT_EQ(application->environment.at("DEBUG"), "false");
    ASSERT_EQ(application->web.size(), 1u);
    EXPECT_EQ(application->web[0].listen, (std::vector<std::string>{"80", "192.0.2.10:443"}));
    EXPECT_EQ(application->web[0].service.manage, Manage::systemd);
    EXPECT_EQ(application->databases.at("main").address, (HostPort{"2001:db8::5", 5432}));
    EXPECT_EQ(application->databases.at("main").service.runAs, "pg");
    EXPECT_EQ(application->maintenance.retryAfterSeconds, 60);
    EXPECT_EQ(application->maintenance.drainMs, 1500);
    EXPECT_EQ(application->servers(), (std::vector<std::string>{"fra-1", "fra-2", "fra-3"}));
    EXPECT_EQ(application->frontAddresses(), std::vector<std::string>{"192.0.2.10"});
    // To the store and back: nothing is lost.
    const Json stored = applicationToJson(*application);
    const auto again = applicationFromJson(stored);
    ASSERT_TRUE(again.has_value()) << describe(again.error());
    EXPECT_EQ(applicationToJson(*again), stored);
}

TEST(Definition, AProcessIsBehindTheFrontThatItsHealthUrlPointsAt) {
    const auto application = applicationFromYaml(complete);
    ASSERT_TRUE(application.has_value()) << describe(application.error());
    const WebSpec& front = application->web[0];
    EXPECT_TRUE(isBehind(application->processes.at("web"), front));
    EXPECT_FALSE(isBehind(application->processes.at("worker"), front)) << "it has no health URL";
    const auto withHealth = [&](const char* url) {
        ProcessSpec process;
        process.health = url;
        return isBehind(process, front);
    };
    EXPECT_TRUE(withHealth("https://127.0.0.1:3000"));
    EXPECT_TRUE(withHealth("http://127.0.0.1:3000?full"));
    EXPECT_FALSE(withHealth("http://127.0.0.1:30001/"));
    EXPECT_FALSE(withHealth("http://127.0.0.2:3000/"));
}

TEST(Definition, RefusalsNameThePathAndThePlace) {
    EXPECT_THAT(refusalOf(process + ", colour: red}\n"), StartsWith("processes.web.colour (line 4, column 43)"));
    EXPECT_THAT(refusalOf(head + "colour: red\n"), StartsWith("colour (line 3, column 1)"));
    EXPECT_THAT(refusalOf(web + ", listn: 80}\n"), HasSubstr("web[0].listn (line 4, "));
    EXPECT_THAT(refusalOf("application: shop\n"), HasSubstr("site"));
    EXPECT_THAT(refusalOf(head + "processes:\n  web: {server: fra-1}\n"), HasSubstr("processes.web.command"));
    const auto refused = applicationFromYaml(head + "colour: red\n");
    EXPECT_EQ(refused.error().code, ErrorCode::InvalidDefinition);
    EXPECT_FALSE(refused.error().hint.empty());
}

TEST(Definition, MalformedYamlSaysWhere) {
    EXPECT_THAT(refusalOf("application: [a\nsite: b\n"), HasSubstr("line "));
    EXPECT_THAT(refusalOf("site: fra\napplication: \"a\n"), HasSubstr("line 2"));
    EXPECT_THAT(refusalOf("a: b: c\n"), HasSubstr("line 1, column "));
    EXPECT_THAT(refusalOf("\tapplication: a\n"), HasSubstr("line 1"));
    EXPECT_THAT(refusalOf("application: *nobody\n"), HasSubstr("line 1"));
    EXPECT_THAT(refusalOf(std::string("application: a\0b\n", 17)), HasSubstr("NUL"));
    EXPECT_THAT(refusalOf(""), HasSubstr("no document"));
    EXPECT_THAT(refusalOf("a: 1\n---\nb: 2\n"), HasSubstr("more than one document"));
    EXPECT_THAT(refusalOf("- a\n- b\n"), HasSubstr("must be an object"));
    EXPECT_THAT(refusalOf("{[a]: b}\n"), HasSubstr("a key that is not a word"));
}

TEST(Definition, KeysAreThereOnce) {
    EXPECT_THAT(refusalOf(head + "site: nyc\n"), HasSubstr("site (line"));
    EXPECT_THAT(refusalOf(head + "processes:\n  web: {server: a, command: [b]}\n  web: {server: a, command: [b]}\n"),
                HasSubstr("processes.web (line"));
}

TEST(Definition, BombsAreRefusedBeforeTheyUnfold) {
    std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
    for (int i = 1; i < 12; ++i) {
        const std::string before = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + before;
        for (int j = 0; j < 9; ++j) bomb += ", " + before;
        bomb += "]\n";
    }
    EXPECT_EQ(applicationFromYaml(bomb).error().code, ErrorCode::TooLarge);
    EXPECT_EQ(applicationFromYaml(std::string(60, '[') + std::string(60, ']')).error().code, ErrorCode::TooLarge);
    EXPECT_FALSE(applicationFromYaml(std::string(100'000, '[')));
    EXPECT_FALSE(applicationFromYaml(std::string(100'000, '{')));
    EXPECT_FALSE(applicationFromYaml("a: " + std::string(50'000, '-')));
    EXPECT_EQ(applicationFromYaml(head + std::string(2 << 20, '#')).error().code, ErrorCode::TooLarge);
    // yaml-cpp finds endlessly many documents before a stray comma.
    EXPECT_THAT(refusalOf(", a"), HasSubstr("stray"));
    // Every value keeps its path: a long key over many values.
    std::string wide = "? " + std::string(2000, 'k') + "\n: [a";
    for (int i = 0; i < 15'000; ++i) wide += ",a";
    EXPECT_EQ(applicationFromYaml(wide + "]\n").error().code, ErrorCode::TooLarge);
}

TEST(Definition, NamesKeepToTheirLimits) {
    const std::string longest(63, 'a');
    EXPECT_TRUE(applicationFromYaml("application: " + longest + "\nsite: fra\n").has_value());
    for (const std::string& name :
         {longest + "a", std::string("Shop"), std::string("-shop"), std::string("shop-"), std::string("sh.op"),
          std::string("sh op"), std::string("'a/../b'"), std::string("\"\""), std::string("ärger")}) {
        EXPECT_THAT(refusalOf("application: " + name + "\nsite: fra\n"), StartsWith("application")) << name;
        EXPECT_THAT(refusalOf("application: shop\nsite: " + name + "\n"), StartsWith("site")) << name;
        EXPECT_THAT(refusalOf(head + "processes:\n  web: {server: " + name + ", command: [./shop]}\n"),
                    StartsWith("processes.web.server"))
            << name;
    }
    EXPECT_THAT(refusalOf(head + "databases:\n  Main: {server: a, address: a:1, service: {data: /d, bin: /b}}\n"),
                HasSubstr("databases.Main.name"));
}

TEST(Definition, AKeyAndItsNameAreOne) {
    EXPECT_THAT(refusalOf(process + ", name: other}\n"), HasSubstr("processes.web.name"));
    EXPECT_THAT(refusalOf(database + ", name: other}\n"), HasSubstr("databases.main.name"));
    EXPECT_EQ(refusalOf(database + ", name: main}\n"), "accepted");
}

TEST(Definition, ValuesAreChecked) {
    struct Bad {
        std::string text, path;
    };
    const Bad table[] = {
        {process + ", directory: relative}\n", "processes.web.directory"},
        {process + ", health: ftp://x}\n", "processes.web.health"},
        {process + ", health: 'http://a b'}\n", "processes.web.health"},
        {process + ", stop_ms: -1}\n", "processes.web.stop_ms"},
        {process + ", stop_signal: SIGQUIT}\n", "processes.web.stop_signal"},
        {process + ", stop_signal: KILL}\n", "processes.web.stop_signal"},
        {process + ", stop_ms: 600001}\n", "processes.web.stop_ms"},
        {process + ", stop_ms: soon}\n", "processes.web.stop_ms"},
        {process + ", writes: maybe}\n", "processes.web.writes"},
        {process + ", on_change: explode}\n", "processes.web.on_change"},
        {process + ", run_as: 'a b'}\n", "processes.web.run_as"},
        {head + "environment_differs: [1A]\n", "environment_differs"},
        {process + ", environment: {1A: b}}\n", "processes.web.environment"},
        {process + ", environment: {'A=B': b}}\n", "processes.web.environment"},
        {head + "processes:\n  web: {server: fra-1, command: []}\n", "processes.web.command"},
        {head + "processes:\n  web: {server: fra-1, command: ['']}\n", "processes.web.command"},
        {head + "processes:\n  web: {server: fra-1, command: ./shop}\n", "processes.web.command"},
        {web + ", front: apache}\n", "web[0].front"},
        {web + ", server_name: 'a; include /etc/passwd'}\n", "web[0].server_name"},
        {web + ", certificate: /a.pem}\n", "web[0].certificate"},
        {web + ", certificate: a.pem, key: /a.key}\n", "web[0].certificate"},
        {head + "web:\n  - {server: a, address: a.example, listen: [80], upstream: 127.0.0.1:80}\n", "web[0].address"},
        {head + "web:\n  - {server: a, address: 192.0.2.1, listen: [], upstream: 127.0.0.1:80}\n", "web[0].listen"},
        {head + "web:\n  - {server: a, address: 192.0.2.1, listen: [0], upstream: 127.0.0.1:80}\n", "web[0].listen"},
        {head + "web:\n  - {server: a, address: 192.0.2.1, listen: [65536], upstream: 127.0.0.1:80}\n",
         "web[0].listen"},
        {head + "web:\n  - {server: a, address: 192.0.2.1, listen: ['80;'], upstream: 127.0.0.1:80}\n",
         "web[0].listen"},
        {head + "web:\n  - {server: a, address: 192.0.2.1, listen: [80], upstream: nowhere}\n", "web[0].upstream"},
        {database + ", engine: oracle}\n", "databases.main.engine"},
        {database + ", engine: mongodb}\n", "databases.main.engine"},
        {database + ", user: \"a'b\"}\n", "databases.main.user"},
        {database + ", database: 'a b'}\n", "databases.main.database"},
        {head + "databases:\n  main: {server: a, address: nowhere, service: {data: /d, bin: /b}}\n",
         "databases.main.address"},
        {head + "databases:\n  main: {server: a, address: a:1}\n", "databases.main.service"},
        {database + ", replication: nowhere}\n", "databases.main.replication"},
        {database + ", engine: mariadb, copy: nowhere}\n", "databases.main.copy"},
        {database + ", copy: '192.0.2.1:4000'}\n", "databases.main.copy"},
        {database + ", engine: mariadb, copy: '192.0.2.1:5432'}\n", "databases.main.copy"},
        {database + ", synchronous: {}}\n", "databases.main.synchronous"},
        {database + ", synchronous: {with: other, when_cut: maybe}}\n", "databases.main.synchronous.when_cut"},
        {database + ", synchronous: {with: shop}}\n", "databases.main.synchronous.with"},
        {database + ", engine: redis, synchronous: {with: other}}\n", "databases.main.synchronous"},
        {head + "databases:\n  main: {server: a, address: a:1, service: {manage: systemd, unit: pg}}\n",
         "databases.main.service"},
        {head + "databases:\n  main: {server: a, address: a:1, service: {manage: pg_ctlcluster, unit: main}}\n",
         "databases.main.service"},
        {head + "databases:\n  main: {server: a, address: a:1, service: {data: d, bin: /b}}\n",
         "databases.main.service.data"},
        {head + "databases:\n  main: {server: a, address: a:1, service: {data: /d, bin: /b, run_as: 'a b'}}\n",
         "databases.main.service.run_as"},
        {head + "maintenance: {retry_after: 0}\n", "maintenance.retry_after"},
        {head + "maintenance: {bypass_addresses: [10.0.0.0/x]}\n", "maintenance.bypass_addresses"},
        {head + "maintenance: {bypass_addresses: [everyone]}\n", "maintenance.bypass_addresses"},
        {head + "maintenance: {drain_ms: -1}\n", "maintenance.drain_ms"},
        {head + "maintenance: {drain_ms: 10001}\n", "maintenance.drain_ms"},
        {head + "maintenance: {bypass_cookie: short}\n", "maintenance.bypass_cookie"},
        {head + "maintenance: {bypass_cookie: 'let me in 0123456789'}\n", "maintenance.bypass_cookie"},
        {head + "maintenance: {page: '" + std::string(limits::maintenancePageBytes + 1, 'x') + "'}\n",
         "maintenance.page"},
        {head + "code: {revision: v1}\n", "code.source"},
        {head + "environment: {A: [1]}\n", "environment"},
    };
    for (const Bad& bad : table) EXPECT_THAT(refusalOf(bad.text), StartsWith(bad.path)) << bad.text.substr(0, 200);
    for (const std::string& good : {process + "}\n", web + "}\n", database + "}\n"})
        EXPECT_EQ(refusalOf(good), "accepted");
}

TEST(Definition, OneFrontAndOneListenerIsNamedOnce) {
    const auto second = [](const std::string& members) {
        return refusalOf(web + ", service: {config: /etc/a.conf}}\n  - {server: " + members + "}\n");
    };
    const std::string upstream = ", upstream: 127.0.0.1:81";
    EXPECT_THAT(second("fra-1, address: 192.0.2.2, listen: [81], service: {config: /etc/a.conf}" + upstream),
                AllOf(StartsWith("web[1].server"), HasSubstr("web[0] is the same nginx of fra-1")));
    EXPECT_THAT(second("fra-1, address: 192.0.2.1, listen: [81, 80], service: {config: /etc/b.conf}" + upstream),
                AllOf(StartsWith("web[1].listen"), HasSubstr("web[0] listens at 192.0.2.1:80 of fra-1 already")));
    EXPECT_THAT(second("fra-1, address: 192.0.2.2, listen: ['192.0.2.1:80'], service: {config: /b}" + upstream),
                StartsWith("web[1].listen"));
    EXPECT_EQ(second("fra-1, address: 192.0.2.2, listen: [80], service: {config: /etc/b.conf}" + upstream), "accepted");
    EXPECT_EQ(second("fra-2, address: 192.0.2.1, listen: [80], service: {config: /etc/a.conf}" + upstream), "accepted");
}

TEST(Definition, CountsAreLimited) {
    const auto many = [](size_t count, const std::string& what) {
        std::string text = head + what + ":\n";
        for (size_t i = 0; i < count; ++i) {
            const std::string number = std::to_string(i);
            text += "  p" + number + ": " +
                    (what == "environment" ? "x"
                     : what == "processes" ? "{server: s, command: [a]}"
                                           : "{server: s, address: a:1, service: {data: /d, bin: /b}}") +
                    "\n";
        }
        return refusalOf(text);
    };
    EXPECT_EQ(many(limits::processesPerApplication, "processes"), "accepted");
    EXPECT_THAT(many(limits::processesPerApplication + 1, "processes"), StartsWith("processes"));
    EXPECT_EQ(many(limits::databasesPerApplication, "databases"), "accepted");
    EXPECT_THAT(many(limits::databasesPerApplication + 1, "databases"), StartsWith("databases"));
    EXPECT_EQ(many(limits::environmentVariables, "environment"), "accepted");
    EXPECT_THAT(many(limits::environmentVariables + 1, "environment"), StartsWith("environment"));
    EXPECT_THAT(refusalOf(head + "environment: {A: '" + std::string(limits::environmentValueBytes + 1, 'x') + "'}\n"),
                StartsWith("environment"));
}

// Every key of a schema with properties, as paths into the complete definition above.
void expectKeysAccepted(const Json& schema, const Json& sample, const std::string& path) {
    if (const Json* properties = memberAt(schema, "properties")) {
        ASSERT_TRUE(sample.is_object()) << path;
        for (const auto& member : properties->as_object()) {
            const Json* value = memberAt(sample, member.key());
            ASSERT_NE(value, nullptr) << path << "." << member.key()
                                      << " is in the schema and not in the complete definition";
            expectKeysAccepted(member.value(), *value, path + "." + std::string(member.key()));
        }
        for (const auto& member : sample.as_object())
            EXPECT_TRUE(memberAt(*properties, member.key())) << path << "." << member.key() << " is not in the schema";
    } else if (const Json* values = memberAt(schema, "additionalProperties"); values && values->is_object()) {
        JsonObject merged;
        for (const auto& member : sample.as_object())
            if (member.value().is_object())
                for (const auto& inner : member.value().as_object()) merged[inner.key()] = inner.value();
        if (memberAt(*values, "properties")) expectKeysAccepted(*values, merged, path + ".*");
    } else if (const Json* items = memberAt(schema, "items"); items && memberAt(*items, "properties")) {
        for (const Json& element : sample.as_array()) expectKeysAccepted(*items, element, path + "[]");
    }
}

TEST(Schema, NamesExactlyTheKeysThatTheParserAccepts) {
    // The parser accepts the complete definition (above), the schema names each of its keys, and it has every key that
    // the schema names: so the two agree. A database and a web front share the members of `service`.
    const auto document = parseYaml(complete);
    ASSERT_TRUE(document.has_value());
    Json sample = document->value;
    const Json databaseService = sample.at("databases").at("main").at("service");
    JsonObject& webService = sample.at("web").at(0).at("service").as_object();
    for (const auto& member : databaseService.as_object())
        webService.insert(boost::json::key_value_pair(member.key(), member.value()));
    JsonObject& service = sample.at("databases").at("main").at("service").as_object();
    service["config"] = "/etc/x";
    ASSERT_TRUE(applicationFromJson(sample).has_value());
    expectKeysAccepted(applicationSchema(), sample, "");
}

TEST(Schema, RequiresWhatTheParserRequires) {
    const Json schema = applicationSchema();
    Json minimal = JsonObject{};
    for (const Json& key : memberAt(schema, "required")->as_array()) minimal.as_object()[key.as_string()] = "shop";
    EXPECT_TRUE(applicationFromJson(minimal).has_value());
    for (const Json& key : memberAt(schema, "required")->as_array()) {
        Json without = minimal;
        without.as_object().erase(key.as_string());
        EXPECT_FALSE(applicationFromJson(without).has_value()) << key;
    }
}

}  // namespace
}  // namespace swb
