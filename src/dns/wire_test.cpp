#include "dns/wire.h"

#include <gtest/gtest.h>

#include <vector>

namespace swb::dns {
namespace {

using Bytes = std::vector<uint8_t>;

std::string nameAt(const Bytes& bytes, size_t position) {
    WireReader reader(bytes, position);
    NameBuffer name;
    reader.name(name);
    return reader.ok() ? name.view().toText() : "malformed";
}

TEST(DnsWireReader, StopsAtTheEnd) {
    const Bytes bytes = {1, 2, 3};
    WireReader reader(bytes);
    EXPECT_EQ(reader.u16(), 0x0102);
    EXPECT_EQ(reader.u16(), 0);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.u8(), 0) << "nothing is read after a failure";
}

TEST(DnsWireReader, FollowsPointersBackwardsOnly) {
    //                   0            4           8
    const Bytes bytes = {1, 'a', 0, 1, 'b', 0xc0, 0, 0xc0, 3, 0xc0, 9, 0xc0, 13, 1, 'c', 0xc0, 13, 0x40, 0xc0};
    EXPECT_EQ(nameAt(bytes, 0), "a.");
    EXPECT_EQ(nameAt(bytes, 3), "b.a.");
    EXPECT_EQ(nameAt(bytes, 7), "b.a.");
    EXPECT_EQ(nameAt(bytes, 9), "malformed") << "points to itself";
    EXPECT_EQ(nameAt(bytes, 11), "malformed") << "points forward";
    EXPECT_EQ(nameAt(bytes, 13), "malformed") << "a loop through its own beginning";
    EXPECT_EQ(nameAt(bytes, 17), "malformed") << "a reserved label type";
    EXPECT_EQ(nameAt(bytes, 18), "malformed") << "half a pointer";
}

TEST(DnsWireReader, ContinuesBehindThePointer) {
    const Bytes bytes = {1, 'a', 0, 1, 'b', 0xc0, 0, 42};
    WireReader reader(bytes, 3);
    NameBuffer name;
    reader.name(name);
    EXPECT_EQ(reader.u8(), 42);
    WireReader skipping(bytes, 3);
    skipping.skipName();
    EXPECT_EQ(skipping.u8(), 42);
}

TEST(DnsWireReader, RefusesLongNames) {
    Bytes bytes;
    for (int i = 0; i < 127; ++i) bytes.insert(bytes.end(), {1, 'a'});
    bytes.push_back(0);
    EXPECT_NE(nameAt(bytes, 0), "malformed");
    // 255 octets and one label more, by a pointer.
    const size_t start = bytes.size();
    bytes.insert(bytes.end(), {1, 'b', 0xc0, 0});
    EXPECT_EQ(nameAt(bytes, start), "malformed");
    Bytes plain(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(start) - 1);
    plain.insert(plain.end(), {1, 'a', 0});
    WireReader reader(plain);
    reader.plainName();
    EXPECT_FALSE(reader.ok());
}

TEST(DnsWireReader, AQuestionHasNoPointer) {
    const Bytes bytes = {1, 'a', 0, 1, 'b', 0xc0, 0};
    WireReader reader(bytes, 3);
    reader.plainName();
    EXPECT_FALSE(reader.ok());
}

TEST(DnsWireWriter, CompressesTheLongestSuffixWithoutCase) {
    Bytes bytes(200);
    WireWriter writer(bytes);
    for (const char* text : {"ns1.fo.example", "NS1.FO.example", "ns2.fo.example", "fo.example", "other", "."})
        writer.compressedName(*Name::fromText(text));
    bytes.resize(writer.size());
    const Bytes expected = {3,    'n', 's', '1', 2,    'f', 'o', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0,  // 0
                            0xc0, 0,                                                                       // 16
                            3,    'n', 's', '2', 0xc0, 4,                                                  // 18
                            0xc0, 4,                                                                       // 24
                            5,    'o', 't', 'h', 'e',  'r', 0,                                             // 26
                            0};
    EXPECT_EQ(bytes, expected);
}

TEST(DnsWireWriter, ARepeatedLabelIsNoSuffixOfTheUnfinishedName) {
    Bytes bytes(50);
    WireWriter writer(bytes);
    writer.compressedName(*Name::fromText("a.a.a"));
    EXPECT_EQ(writer.size(), 7u);
    EXPECT_EQ(nameAt(bytes, 0), "a.a.a.");
}

TEST(DnsWireWriter, ChangesNothingBehindItsLimit) {
    Bytes bytes(20, 0xa5);
    WireWriter writer(bytes);
    writer.setLimit(5);
    writer.u32(1);
    const auto mark = writer.mark();
    writer.u16(2);
    EXPECT_TRUE(writer.full());
    writer.u8(3);
    EXPECT_EQ(writer.size(), 4u);
    EXPECT_EQ(bytes[4], 0xa5);
    writer.rewind(mark);
    EXPECT_FALSE(writer.full());
    writer.u8(4);
    EXPECT_EQ(bytes[4], 4);
    EXPECT_EQ(bytes[5], 0xa5);
}

TEST(DnsWireWriter, ARewoundNameIsNoTargetAnyMore) {
    Bytes bytes(100);
    WireWriter writer(bytes);
    const auto mark = writer.mark();
    writer.compressedName(*Name::fromText("gone.example"));
    writer.rewind(mark);
    writer.u16(0);
    writer.compressedName(*Name::fromText("x.example"));
    EXPECT_EQ(nameAt(bytes, 2), "x.example.");
}

}  // namespace
}  // namespace swb::dns
