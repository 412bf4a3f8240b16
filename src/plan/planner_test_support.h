// What tests of plans ask about a run.
#pragma once

#include <gmock/gmock.h>

#include "plan/planner.h"
#include "plan/snapshot_test_support.h"

namespace swb::plan::test {

inline std::vector<std::string> names(const run::Run& run) {
    std::vector<std::string> out;
    for (const run::Step& step : run.steps) out.push_back(step.name);
    return out;
}

// Names of the steps that have a mark.
inline std::vector<std::string> marked(const run::Run& run, bool run::Step::*mark) {
    std::vector<std::string> out;
    for (const run::Step& step : run.steps)
        if (step.*mark) out.push_back(step.name);
    return out;
}

inline void expectRefused(const Result<run::Run>& run, ErrorCode code, const std::string& words) {
    ASSERT_FALSE(run.has_value());
    EXPECT_EQ(run.error().code, code) << describe(run.error());
    EXPECT_THAT(run.error().message, testing::HasSubstr(words));
    EXPECT_FALSE(run.error().hint.empty()) << run.error().message;
}

}  // namespace swb::plan::test
