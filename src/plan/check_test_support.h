// Tables of single broken facts, and what the readiness must say about each: exactly that one thing.
#pragma once

#include <gtest/gtest.h>

#include <set>

#include "plan/check.h"
#include "plan/snapshot_test_support.h"

namespace swb::plan::test {

// Plain members: a long table of them compiles quickly.
struct Breakage {
    const char* check;
    Verdict verdict;
    void (*damage)(Snapshot&);
};

inline std::string printed(const Readiness& readiness) {
    std::string out;
    for (const Check& check : readiness.checks)
        if (check.verdict != Verdict::ok) out += check.name + " (" + check.subject + "): " + check.sentence + "\n";
    return out;
}

// Names of the checks that did not say ok.
inline std::set<std::string> notOk(const Readiness& readiness) {
    std::set<std::string> names;
    for (const Check& check : readiness.checks)
        if (check.verdict != Verdict::ok) names.insert(check.name);
    return names;
}

inline void expectOnly(const Readiness& readiness, const Breakage& breakage) {
    EXPECT_EQ(notOk(readiness), std::set<std::string>{breakage.check}) << printed(readiness);
    EXPECT_EQ(readiness.verdict(), breakage.verdict) << breakage.check;
    for (const Check& check : readiness.checks) {
        EXPECT_FALSE(check.sentence.empty()) << check.name;
        EXPECT_EQ(check.hint.empty(), check.verdict == Verdict::ok)
            << check.name << " needs a hint exactly when it is not ok";
    }
}

constexpr auto refused = Verdict::refused;
constexpr auto warning = Verdict::warning;
inline const std::string source = "shop-fra/main", replica = "shop-nyc/main";

}  // namespace swb::plan::test
