#include "swing/event_reader.h"

#include <gtest/gtest.h>

#include <vector>

namespace swb::swing {
namespace {

std::vector<ServerEvent> read(std::string_view text, size_t piece) {
    EventReader reader;
    std::vector<ServerEvent> events;
    while (!text.empty()) {
        EXPECT_TRUE(reader.take(text.substr(0, piece), [&](const ServerEvent& event) { events.push_back(event); }));
        text.remove_prefix(std::min(piece, text.size()));
    }
    return events;
}

TEST(EventReader, ReadsEventsHoweverTheyArrive) {
    const std::string_view text =
        ": ping\n\nid: 7\nevent: run\ndata: {\"a\":\ndata: 1}\n\nid:8\r\ndata:x\r\n\r\ndata: unfinished\n";
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, text.size()}) {
        const auto events = read(text, piece);
        ASSERT_EQ(events.size(), 2u) << piece;
        EXPECT_EQ(events[0].id, "7");
        EXPECT_EQ(events[0].type, "run");
        EXPECT_EQ(events[0].data, "{\"a\":\n1}");
        EXPECT_EQ(events[1].id, "8");
        EXPECT_EQ(events[1].type, "");
        EXPECT_EQ(events[1].data, "x");
    }
}

TEST(EventReader, AnEndlessEventIsRefused) {
    EventReader reader;
    const std::string line = "data: " + std::string(300 << 10, 'x') + "\n";
    Result<void> taken;
    for (int i = 0; i < 5 && taken; ++i) taken = reader.take(line, [](const ServerEvent&) {});
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error().code, ErrorCode::TooLarge);
}

}  // namespace
}  // namespace swb::swing
