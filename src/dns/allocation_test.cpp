// The answer path takes no memory: measured, not believed.
#include "dns/answer.h"
#include "dns/dns_test_support.h"

// Of this thread, counted in allocation_counter_test.cpp.
size_t allocationCount();

namespace swb::dns::test {
namespace {

TEST(DnsAnswer, TakesNoMemory) {
    const ZonePointer zone = exampleZone();
    std::vector<Bytes> queries;
    for (const char* owner : {"fo.example", "shop.fo.example", "www.fo.example", "nothere.fo.example",
                              "x.sub.fo.example", "any.wild.fo.example", "big.fo.example", "other.example"})
        for (const uint16_t asked : {type::a, type::ns, type::soa, type::txt, type::any})
            queries.push_back(query(owner, asked, {Edns{}}));
    Bytes out(messageBytesMax);
    const size_t before = allocationCount();
    size_t total = 0;
    for (const Bytes& bytes : queries) total += answer(bytes, Transport::tcp, *zone, out);
    EXPECT_EQ(allocationCount(), before);
    EXPECT_GT(total, 0u);
    const auto counted = std::make_unique<int>(1);
    EXPECT_EQ(allocationCount(), before + 1) << "the counter counts";
}

}  // namespace
}  // namespace swb::dns::test
