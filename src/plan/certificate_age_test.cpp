#include "plan/certificate_age.h"

#include <gtest/gtest.h>

namespace swb::plan {
namespace {

TEST(CertificateAge, IsDueWithAThirdOfItsLifeLeft) {
    const CertificateAge age{0, 90'000};
    EXPECT_FALSE(age.isDue(59'999));
    EXPECT_TRUE(age.isDue(60'000));
    EXPECT_FALSE(age.isLate(74'999));
    EXPECT_TRUE(age.isLate(75'000));
    EXPECT_FALSE(age.isOver(89'999));
    EXPECT_TRUE(age.isOver(90'000));
}

TEST(CertificateAge, ComesFromFacts) {
    const auto age = certificateAge(parseJson(R"({"certificate":{"beganAt":5,"endsAt":9}})").value());
    ASSERT_TRUE(age);
    EXPECT_EQ(age->lifeMs(), 4);
    for (const char* none : {"{}", R"({"certificate":null})", R"({"certificate":{"beganAt":9,"endsAt":5}})", "null"})
        EXPECT_FALSE(certificateAge(parseJson(none).value())) << none;
}

TEST(CertificateAge, IsToldInWords) {
    EXPECT_EQ(lengthText(90LL * 86'400'000), "90 days");
    EXPECT_EQ(lengthText(5 * 3600'000), "5 hours");
    EXPECT_EQ(lengthText(40'000), "40 s");
    EXPECT_EQ(lengthText(-1), "0 s");
}

}  // namespace
}  // namespace swb::plan
