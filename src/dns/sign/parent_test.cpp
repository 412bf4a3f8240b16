#include "dns/sign/parent.h"

#include "dns/sign/sign_test_support.h"

namespace swb::dns::sign {
namespace {

using test::name;
using test::valueOf;

const Name zone = name("fo.example");

ReceivedRecord record(const Name& owner, uint16_t number, Rdata data, uint32_t ttlSeconds) {
    return {owner, number, recordClass::internet, ttlSeconds, std::move(data)};
}

TEST(Parent, TheDsSetIsReadInOrderWithItsTtl) {
    Response response;
    response.answers = {record(zone, type::ds, "b", 600), record(zone, type::ds, "a", 500),
                        record(name("other.example"), type::ds, "c", 1), record(zone, 46, "signature", 1)};
    const ParentView view = valueOf(parentViewOf(response, zone));
    EXPECT_EQ(view.ds, (std::vector<Rdata>{"a", "b"}));
    EXPECT_EQ(view.ttlSeconds, 500u);
}

TEST(Parent, NoneIsAnAnswerOfTheParentOnly) {
    Response response;
    response.authorities = {record(name("example"), type::soa, "soa", 300)};
    EXPECT_TRUE(valueOf(parentViewOf(response, zone)).ds.empty());
    response.authorities = {record(zone, type::soa, "soa", 300)};
    EXPECT_EQ(parentViewOf(response, zone).error().code, ErrorCode::VerificationFailed);
    response.authorities.clear();
    response.rcode = rcode::serverFailure;
    EXPECT_EQ(parentViewOf(response, zone).error().code, ErrorCode::VerificationFailed);
}

TEST(Parent, WithoutAResolverThereIsNoAnswer) {
    EXPECT_EQ(askParent({}, zone, 10).error().code, ErrorCode::InvalidInput);
}

}  // namespace
}  // namespace swb::dns::sign
