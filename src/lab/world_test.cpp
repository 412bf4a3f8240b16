#include "lab/world.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "lab/lab_engine.h"
#include "model/application.h"

namespace swb::lab {
namespace {

const std::vector<Engine> everyEngine{Engine::postgresql, Engine::mariadb, Engine::redis};

World someWorld(const std::vector<Engine>& engines = everyEngine) {
    World world;
    world.directory = "/srv/it's a lab";
    world.socketDirectory = "/tmp/swb-lab-a1B2c3";
    world.programs = "/usr/bin";
    for (const Engine engine : engines) world.databases.push_back({engine, "/usr/lib/" + std::string(nameOf(engine))});
    world.nginx = "/usr/sbin";
    world.user = "lab";
    world.startedBy = "root";
    world.state = "up";
    world.number = 7;
    world.password = Secret("a'b\\c");
    world.sites = makeSites(7, engines);
    return world;
}

TEST(World, addressesCarryTheNumberOfTheLab) {
    const World world = someWorld();
    EXPECT_EQ(world.sites[0].address, "127.7.10.1");
    EXPECT_EQ(world.sites[1].address, "127.7.20.1");
    EXPECT_EQ(world.url(), "https://127.7.0.1:8443");
    EXPECT_EQ(world.dnsServer(), "127.7.0.1:5300");
    EXPECT_EQ(world.failoverName(), "shop.lab.test");
    EXPECT_EQ(world.siteAt("127.7.20.1"), &world.sites[1]);
    EXPECT_EQ(world.siteAt("127.7.30.1"), nullptr);
}

TEST(World, theSameDirectoryPrefersTheSameNumber) {
    EXPECT_EQ(preferredNumber("/home/ann/lab", false), preferredNumber("/home/ann/lab", false));
    EXPECT_EQ(preferredNumber("/home/ann/lab", true), 0);
    std::set<int> seen;
    for (int i = 0; i < 200; ++i) {
        const int number = preferredNumber("/tmp/lab-" + std::to_string(i), false);
        EXPECT_GE(number, 1);
        EXPECT_LE(number, 254);
        seen.insert(number);
    }
    EXPECT_GT(seen.size(), 100u);
}

TEST(World, survivesItsStateFile) {
    for (const auto& engines : {everyEngine, {Engine::mariadb}, {Engine::postgresql, Engine::redis}}) {
        const World world = someWorld(engines);
        const auto again = worldFromJson(toJson(world));
        ASSERT_TRUE(again) << describe(again.error());
        EXPECT_EQ(toText(toJson(*again)), toText(toJson(world)));
        EXPECT_EQ(again->engines(), engines);
    }
}

TEST(World, aStateFileOfAnotherFormatIsRefused) {
    Json value = toJson(someWorld());
    value.as_object()["format"] = 1;
    EXPECT_FALSE(worldFromJson(value));
    value = toJson(someWorld());
    value.as_object()["number"] = 300;
    EXPECT_FALSE(worldFromJson(value));
    value = toJson(someWorld());
    value.as_object()["sites"].as_array().pop_back();
    EXPECT_FALSE(worldFromJson(value));
    value = toJson(someWorld());
    value.as_object()["databases"].as_array().clear();
    EXPECT_FALSE(worldFromJson(value));
    value = toJson(someWorld());
    value.as_object()["databases"].as_array()[1].as_object()["engine"] = "mongodb";
    EXPECT_FALSE(worldFromJson(value));
    value = toJson(someWorld({Engine::redis}));
    value.as_object()["databases"].as_array()[0].as_object()["engine"] = "mariadb";
    EXPECT_FALSE(worldFromJson(value)) << "the sites have no ports of it";
}

TEST(World, aStateFileThatLeadsElsewhereIsRefused) {
    for (const char* path : {"/etc", "", "/tmp/swb-lab-../../x", "/tmp/swb-lab-a1B2c3/", "/srv/it's a lab"}) {
        Json value = toJson(someWorld());
        value.as_object()["socketDirectory"] = path;
        EXPECT_FALSE(worldFromJson(value)) << path;
    }
    Json value = toJson(someWorld());
    value.as_object()["sites"].as_array()[0].as_object()["address"] = "192.0.2.1";
    EXPECT_FALSE(worldFromJson(value));
    value = toJson(someWorld());
    value.as_object()["sites"].as_array()[0].as_object()["server"] = "../..";
    EXPECT_FALSE(worldFromJson(value));
}

TEST(World, definitionsAreValidAndSayWhatTheWorldSays) {
    const World world = someWorld();
    for (const Site& site : world.sites) {
        const auto application = applicationFromYaml(definitionText(world, site));
        ASSERT_TRUE(application) << describe(application.error());
        EXPECT_EQ(application->name, site.application);
        EXPECT_EQ(application->site, site.name);
        EXPECT_EQ(application->frontAddresses(), std::vector<std::string>{site.address});
        EXPECT_EQ(application->servers(), std::vector<std::string>{site.server});
        EXPECT_TRUE(application->processes.at("worker").writes);
        EXPECT_EQ(application->processes.at("web").command[1], "/srv/it's a lab/" + site.server + "/shop/shop.py");
        ASSERT_EQ(application->databases.size(), 3u);
        const DatabaseSpec &main = application->databases.at("main"), &invoices = application->databases.at("invoices"),
                           &recent = application->databases.at("recent");
        EXPECT_EQ(main.service.socket, "/tmp/swb-lab-a1B2c3/" + site.server);
        EXPECT_EQ(main.address.text(), site.address + ":5432");
        EXPECT_EQ(invoices.engine, Engine::mariadb);
        EXPECT_EQ(invoices.service.config, "/srv/it's a lab/" + site.server + "/mariadb/my.cnf");
        EXPECT_EQ(invoices.service.superuser, "lab");
        EXPECT_EQ(recent.engine, Engine::redis);
        EXPECT_EQ(recent.replicationAddress().text(), site.address + ":6380");
        for (const LabEngine* engine : enginesOf(world)) {
            EXPECT_EQ(application->databases.at(std::string(engine->database())).engine, engine->engine());
            EXPECT_EQ(application->databases.at(std::string(engine->database())).user, databaseUser);
        }
    }
}

TEST(World, replicasAreDefinedBesideTheirDatabases) {
    World world = someWorld();
    world.replicas = true;
    const Site& site = world.sites[0];
    const auto application = applicationFromYaml(definitionText(world, site));
    ASSERT_TRUE(application) << describe(application.error());
    for (const auto& [name, spec] : application->databases) {
        ASSERT_EQ(spec.replicas.count(replicaName), 1u) << name;
        const ReplicaSpec& replica = spec.replicas.at(replicaName);
        EXPECT_EQ(replica.address.host, replicasOf(site).address);
        EXPECT_NE(replica.address.host, spec.address.host);
        EXPECT_NE(replica.service.data, spec.service.data);
    }
    EXPECT_TRUE(worldFromJson(toJson(world))->replicas);
}

TEST(World, anyMixOfEnginesMakesADefinition) {
    for (const auto& engines : {std::vector{Engine::mariadb}, {Engine::redis}, {Engine::postgresql, Engine::redis}}) {
        const World world = someWorld(engines);
        const auto application = applicationFromYaml(definitionText(world, world.sites[1]));
        ASSERT_TRUE(application) << describe(application.error());
        EXPECT_EQ(application->databases.size(), engines.size());
    }
}

TEST(World, enginesAreNamedOnceInAnyOrder) {
    EXPECT_EQ(*parseEngines("postgresql"), std::vector{Engine::postgresql});
    EXPECT_EQ(*parseEngines("redis,mariadb,postgresql"), everyEngine);
    for (const char* wrong : {"", ",", "postgresql,", "redis,redis", "mongodb", "mysql", "Redis", "redis, mariadb"})
        EXPECT_FALSE(parseEngines(wrong)) << wrong;
}

TEST(World, connectionStringsQuoteWhatTheyMust) {
    const World world = someWorld();
    const JsonObject fra = engineOf(Engine::postgresql).access(world, world.sites[0]),
                     nyc = engineOf(Engine::postgresql).access(world, world.sites[1]);
    EXPECT_EQ(textAt(fra, "dsn"), "host=127.7.10.1 port=5432 dbname=shop user=shop password='a\\'b\\\\c'");
    EXPECT_EQ(textAt(nyc, "adminDsn"), "host='/tmp/swb-lab-a1B2c3/nyc-1' port=5432 dbname=shop user=postgres");
    EXPECT_EQ(textAt(engineOf(Engine::mariadb).access(world, world.sites[0]), "dsn"),
              "mysql://shop:a%27b%5Cc@127.7.10.1:3306/shop");
    EXPECT_EQ(textAt(engineOf(Engine::redis).access(world, world.sites[0]), "dsn"),
              "redis://shop:a%27b%5Cc@127.7.10.1:6379/0");
    EXPECT_THAT(textAt(engineOf(Engine::redis).access(world, world.sites[0]), "adminCommand"),
                testing::HasSubstr("'/srv/it'\\''s a lab/fra-1/redis/admin.password'"));
}

TEST(World, environmentIsForAPosixShell) {
    EXPECT_THAT(environmentText(someWorld()),
                testing::HasSubstr("export SWING_CA='/srv/it'\\''s a lab/controller/ca.pem'\n"));
}

TEST(World, longDirectoriesNeedSocketsElsewhere) {
    EXPECT_TRUE(socketsFit("/home/ann/.local/state/swingbridge-lab"));
    EXPECT_TRUE(socketsFit("/" + std::string(72, 'x')));
    EXPECT_FALSE(socketsFit("/" + std::string(73, 'x')));
}

}  // namespace
}  // namespace swb::lab
