#include "model/address.h"

#include <gtest/gtest.h>

namespace swb {
namespace {

TEST(HostPort, ReadsNamesAndLiterals) {
    EXPECT_EQ(*parseHostPort("10.0.0.5:5432"), (HostPort{"10.0.0.5", 5432}));
    EXPECT_EQ(*parseHostPort("db.example:1"), (HostPort{"db.example", 1}));
    EXPECT_EQ(*parseHostPort("[2001:db8::1]:65535"), (HostPort{"2001:db8::1", 65535}));
    EXPECT_EQ(*parseHostPort("localhost", 443), (HostPort{"localhost", 443}));
    EXPECT_EQ(*parseHostPort("[::1]", 443), (HostPort{"::1", 443}));
    EXPECT_EQ(parseHostPort("[::1]:80")->text(), "[::1]:80");
    EXPECT_EQ(parseHostPort("a_b:80")->text(), "a_b:80");
}

TEST(HostPort, RefusesEverythingElse) {
    for (const std::string& text : {std::string(""),
                                    std::string(":80"),
                                    std::string("a:"),
                                    std::string("a:0"),
                                    std::string("a:65536"),
                                    std::string("a:-1"),
                                    std::string("a:+1"),
                                    std::string("a:80x"),
                                    std::string("a: 80"),
                                    std::string("a b:80"),
                                    std::string("[::1:80"),
                                    std::string("[::1]80"),
                                    std::string("[::1]:"),
                                    std::string("[a]:80"),
                                    std::string("-a:80"),
                                    std::string("a-:80"),
                                    std::string("a..b:80"),
                                    std::string(".a:80"),
                                    std::string("a.:80"),
                                    std::string(64, 'a') + ":80",
                                    std::string("a;b:80"),
                                    std::string("a\n:80"),
                                    std::string("a:99999999999999999999")})
        EXPECT_FALSE(parseHostPort(text)) << text;
    EXPECT_FALSE(parseHostPort("a")) << "the port is required when there is no default";
}

TEST(HostPort, AnIpv6AddressWithoutBracketsIsAmbiguous) {
    EXPECT_FALSE(parseHostPort("2001:db8::1:80"));
    EXPECT_FALSE(parseHostPort("::1", 80));
}

TEST(HostPort, NothingHidesBehindANul) {
    using namespace std::string_literals;
    EXPECT_FALSE(isIpv4("1.2.3.4\0;"s));
    EXPECT_FALSE(isIpv6("::1\0;"s));
    EXPECT_FALSE(isIpAddress("1.2.3.4\0"s));
    EXPECT_FALSE(parseHostPort("1.2.3.4\0;:80"s));
    EXPECT_TRUE(isIpAddress("1.2.3.4") && isIpAddress("::1"));
}

TEST(HostName, ANumberAtTheEndMustBeAnIpv4Address) {
    for (const char* text : {"1.2.3.999", "1.2.3", "127.1", "1", "db.7", "1.2.3.4.5", "01.2.3.4"})
        EXPECT_FALSE(isHostName(text)) << text;
    for (const char* text : {"1.2.3.4", "1.example", "7up", "1.2.3.4a", "0-1"}) EXPECT_TRUE(isHostName(text)) << text;
    EXPECT_FALSE(parseHostPort("1.2.3.999:80"));
}

TEST(HostName, IsLabelsOfAtMost63AndAtMost253InAll) {
    const std::string label(63, 'a');
    EXPECT_TRUE(isHostName(label));
    EXPECT_FALSE(isHostName(label + "a"));
    const std::string full = label + "." + label + "." + label + "." + std::string(61, 'a');
    EXPECT_EQ(full.size(), 253u);
    EXPECT_TRUE(isHostName(full));
    EXPECT_FALSE(isHostName(full + "a"));
}

}  // namespace
}  // namespace swb
