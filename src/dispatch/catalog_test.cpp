// The catalog of a real publisher, over restarts with other settings and damaged files.
#include "dispatch/catalog.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "base/file.h"
#include "dispatch/zone_composition.h"
#include "dns/transfer/catalog.h"
#include "store/memory_store.h"

namespace swb::dispatch {
namespace {

using testing::ElementsAre;

class CatalogTest : public testing::Test {
  protected:
    CatalogTest() {
        std::string pattern = testing::TempDir() + "catalog-XXXXXX";
        directory_ = ::mkdtemp(pattern.data());
    }
    ~CatalogTest() override {
        catalog_.reset();
        publisher_.reset();
        std::filesystem::remove_all(directory_);
    }

    void start(const std::vector<std::string>& zones) {
        catalog_.reset();
        publisher_.reset();
        std::vector<ZoneSettings> settings;
        for (const std::string& zone : zones) settings.push_back({zone, "", {{"ns1", {"127.0.0.1"}}}});
        auto started = Publisher::start(settings, directory_, {.endpoints = {*dns::Endpoint::fromText("127.0.0.1:0")}});
        ASSERT_TRUE(started) << describe(started.error());
        publisher_ = *std::move(started);
        auto opened = Catalog::open(*publisher_, origin_, directory_ + "/catalog");
        ASSERT_TRUE(opened) << describe(opened.error());
        catalog_ = *std::move(opened);
        ASSERT_TRUE(catalog_->refresh());
        publisher_->setObserver([this](const dns::ZonePointer&, const auto&) { EXPECT_TRUE(catalog_->refresh()); });
    }
    std::vector<std::string> listed() const {
        std::vector<std::string> names;
        const auto members = dns::transfer::membersOf(*publisher_->zone(origin_));
        for (const dns::Name& member : members) names.push_back(documentText(member));
        return names;
    }
    void damage(const std::string& zone) {
        for (const char* file : {"zone", "journal"})
            ASSERT_TRUE(writeFileAtomically(directory_ + "/" + zone + "/" + file, "damaged"));
    }

    SystemClock clock_;
    const dns::Name origin_ = *dns::Name::fromText("catalog.invalid");
    std::string directory_;
    store::MemoryStore store_{clock_};
    std::unique_ptr<Publisher> publisher_;
    std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogTest, FollowsTheSettings) {
    start({"fo.example", "shop.example"});
    EXPECT_THAT(listed(), ElementsAre("fo.example", "shop.example"));
    const uint32_t serial = publisher_->zone(origin_)->serial();
    EXPECT_EQ(*catalog_->refresh(), nullptr) << "nothing changed";
    start({"fo.example", "shop.example"});
    EXPECT_EQ(publisher_->zone(origin_)->serial(), serial);
    start({"fo.example", "other.example"});
    EXPECT_THAT(listed(), ElementsAre("fo.example", "other.example"));
    EXPECT_EQ(publisher_->zone(origin_)->serial(), serial + 1);
}

TEST_F(CatalogTest, AZoneThatCannotBeReadStaysListed) {
    start({"fo.example", "shop.example"});
    catalog_.reset();
    publisher_.reset();
    damage("shop.example");
    start({"fo.example", "shop.example"});
    EXPECT_EQ(publisher_->zone(*dns::Name::fromText("shop.example")), nullptr) << "it cannot be read";
    EXPECT_THAT(listed(), ElementsAre("fo.example", "shop.example")) << "secondaries would delete it";
}

TEST_F(CatalogTest, ListsAZoneAsSoonAsItIsAnswered) {
    start({"fo.example"});
    catalog_.reset();
    publisher_.reset();
    std::filesystem::create_directories(directory_ + "/shop.example");
    damage("shop.example");
    start({"fo.example", "shop.example"});
    EXPECT_THAT(listed(), ElementsAre("fo.example"));
    ASSERT_TRUE(publisher_->publish(store_));
    EXPECT_THAT(listed(), ElementsAre("fo.example", "shop.example"));
}

TEST_F(CatalogTest, TakesNoNameOfAZone) {
    start({"fo.example"});
    EXPECT_FALSE(Catalog::open(*publisher_, *dns::Name::fromText("FO.example"), directory_ + "/other"));
}

}  // namespace
}  // namespace swb::dispatch
