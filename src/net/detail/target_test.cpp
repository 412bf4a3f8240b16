#include "net/detail/target.h"

#include <gtest/gtest.h>

namespace swb::net::detail {
namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

TEST(Target, PathAndQueryAreDecoded) {
    const auto target = parseTarget("/v1/groups/sh%6Fp?wait=5&text=a+b%20c%26d&flag&=x&&last=").value();
    EXPECT_EQ(target.path, "/v1/groups/shop");
    EXPECT_EQ(target.query, (Pairs{{"wait", "5"}, {"text", "a b c&d"}, {"flag", ""}, {"", "x"}, {"last", ""}}));
    EXPECT_EQ(parseTarget("/a+b").value().path, "/a+b") << "a plus is a plus in a path";
    EXPECT_TRUE(parseTarget("/?").value().query.empty());
}

TEST(Target, WhatTwoReadersCouldReadDifferentlyIsRefused) {
    for (const char* text : {"", "v1", "*", "http://other/v1", "/a%2Fb", "/a%2fb", "/a%00", "/a%0d%0ab", "/%", "/%4",
                             "/%zz", "/ok?a=%", "/ok?%g1=b", "/a\x7f"}) {
        const auto target = parseTarget(text);
        ASSERT_FALSE(target) << text;
        EXPECT_EQ(target.error().code, ErrorCode::InvalidInput) << text;
    }
}

}  // namespace
}  // namespace swb::net::detail
