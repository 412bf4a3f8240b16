#include "dispatch/fleet.h"

#include <gtest/gtest.h>

namespace swb::dispatch {
namespace {

// A connection whose queue can be made to take nothing more.
class FakeChannel final : public Channel {
  public:
    bool send(std::string text) override {
        if (takes) sent.push_back(std::move(text));
        return takes;
    }
    void close(std::string) override {}
    std::string remoteAddress() const override { return "192.0.2.1"; }

    bool takes = true;
    std::vector<std::string> sent;
};

TEST(Fleet, WhatTheConnectionDoesNotTakeCountsAsNotSent) {
    const SystemClock clock;
    Fleet fleet(clock, "0");
    const auto channel = std::make_shared<FakeChannel>();
    link::Command command;
    command.id = "r-1.fence.0.act1";
    command.verb = "server.inspect";
    command.deadlineMs = 1000;
    EXPECT_FALSE(fleet.send("fra-1", command)) << "nobody is connected";
    const auto id = fleet.opened("fra-1", channel);
    EXPECT_FALSE(fleet.send("fra-1", command)) << "nobody has said hello";
    link::Hello hello;
    hello.server = "fra-1";
    hello.verbs = {"server.inspect"};
    fleet.received(id, link::encode(hello));
    ASSERT_TRUE(fleet.connected("fra-1"));
    EXPECT_TRUE(fleet.send("fra-1", command));
    const size_t before = channel->sent.size();
    channel->takes = false;
    EXPECT_FALSE(fleet.send("fra-1", command));
    EXPECT_EQ(channel->sent.size(), before);
    channel->takes = true;
    EXPECT_TRUE(fleet.send("fra-1", command));
}

}  // namespace
}  // namespace swb::dispatch
