#include "model/copy.h"

#include <gmock/gmock.h>

namespace swb {
namespace {

using testing::AllOf;
using testing::HasSubstr;

const std::string head = R"(application: shop-fra
site: fra
databases:
  main:
    server: fra-1
    service: {data: /srv/pg, bin: /b}
    address: 192.0.2.1:5432
    database: shop
    user: shop
    replicas:
)";
const std::string reports =
    "      reports: {server: fra-2, service: {data: /srv/pg, bin: /b}, address: 192.0.2.2:5432}\n";
const std::string cache = R"(  cache:
    engine: redis
    server: fra-1
    service: {data: /srv/redis, bin: /b}
    address: 192.0.2.1:6379
    replicas:
      reports: {server: fra-3, service: {data: /srv/redis, bin: /b}, address: 192.0.2.3:6379, replication: 192.0.2.3:6380}
      edge: {server: fra-4, service: {data: /srv/redis, bin: /b}, address: 192.0.2.4:6379}
)";

std::string refusalOf(const std::string& replicas) {
    const auto application = applicationFromYaml(head + replicas);
    return application ? "accepted" : application.error().message;
}

TEST(Copy, NamesAreApplicationsOrReplicasInsideOne) {
    for (const char* name : {"shop-fra", "shop-fra.reports", "a.b"}) EXPECT_TRUE(isCopyName(name)) << name;
    for (const char* name : {"", ".", "a.", ".b", "a.b.c", "a/b", "A.b", "a.-b"})
        EXPECT_FALSE(isCopyName(name)) << name;
    EXPECT_TRUE(isInside("a.b"));
    EXPECT_FALSE(isInside("a-b"));
    EXPECT_EQ(ownerOf("shop-fra.reports"), "shop-fra");
    EXPECT_EQ(ownerOf("shop-fra"), "shop-fra");
    EXPECT_FALSE(checkedCopyName("application", "a.b.c"));
}

TEST(Copy, ACopyIsAnApplicationOfNothingButItsDatabases) {
    const auto owner = applicationFromYaml(head + reports + cache);
    ASSERT_TRUE(owner) << describe(owner.error());
    EXPECT_EQ(owner->servers(), (std::vector<std::string>{"fra-1"})) << "nothing of it waits for its replicas' servers";
    const auto inside = copiesInside(*owner);
    ASSERT_EQ(inside.size(), 2u);
    EXPECT_EQ(inside[0].name, "shop-fra.edge");
    EXPECT_EQ(inside[1].name, "shop-fra.reports");
    const Application& copy = inside[1];
    EXPECT_EQ(copy.site, "fra");
    ASSERT_EQ(copy.databases.size(), 2u);
    const DatabaseSpec& main = copy.databases.at("main");
    EXPECT_EQ(main.server, "fra-2");
    EXPECT_EQ(main.address.text(), "192.0.2.2:5432");
    EXPECT_EQ(main.database, "shop");
    EXPECT_EQ(main.user, "shop");
    EXPECT_TRUE(main.replicas.empty());
    EXPECT_EQ(copy.databases.at("cache").engine, Engine::redis);
    EXPECT_EQ(copy.databases.at("cache").replicationAddress().text(), "192.0.2.3:6380");
    EXPECT_EQ(copyOf(*owner, "shop-fra")->name, "shop-fra");
    for (const char* name : {"shop-fra.other", "shop-nyc", "shop-nyc.reports"})
        EXPECT_FALSE(copyOf(*owner, name)) << name;

    const auto again = copyFromJson(applicationToJson(copy));
    ASSERT_TRUE(again) << describe(again.error());
    EXPECT_EQ(again->name, "shop-fra.reports");
    const auto definition = applicationFromJson(applicationToJson(copy));
    ASSERT_FALSE(definition) << "nobody defines a copy by itself";
    EXPECT_THAT(definition.error().hint, HasSubstr("databases.NAME.replicas"));
}

TEST(Copy, ReplicasInADefinitionAreChecked) {
    EXPECT_EQ(refusalOf(reports), "accepted");
    EXPECT_THAT(refusalOf("      Reports: {server: fra-2, address: 192.0.2.2:5432}\n"), HasSubstr("name"));
    EXPECT_THAT(refusalOf("      reports: {address: 192.0.2.2:5432, service: {data: /d, bin: /b}}\n"),
                HasSubstr("databases.main.replicas.reports.server"));
    EXPECT_THAT(refusalOf("      reports: {server: fra-2, address: 192.0.2.2:5432}\n"),
                AllOf(HasSubstr("replicas.reports.service"), HasSubstr("needs data and bin")));
    EXPECT_THAT(refusalOf("      reports: {server: fra-2, service: {data: /d, bin: /b}, address: 192.0.2.1:5432}\n"),
                HasSubstr("where another server of it is"));
    EXPECT_THAT(
        refusalOf("      reports: {server: fra-2, service: {data: /d, bin: /b}, address: x:1, engine: redis}\n"),
        HasSubstr("engine"));
    std::string many;
    for (int number = 0; number < 9; ++number)
        many += "      r" + std::to_string(number) +
                ": {server: s, service: {data: /d, bin: /b}, address: 192.0.2.2:" + std::to_string(1000 + number) +
                "}\n";
    EXPECT_THAT(refusalOf(many), HasSubstr("more than 8"));
}

}  // namespace
}  // namespace swb
