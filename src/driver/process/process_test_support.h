// Real processes of a directory of their own, ended with the test.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "driver/nginx/nginx_test_support.h"
#include "driver/process/environment_file.h"
#include "driver/process_driver.h"

namespace swb::driver {

class ProcessTest : public testing::Test {
  protected:
    ~ProcessTest() override {
        for (const ProcessSpec& spec : started_) (void)driver->stop("shop-fra", spec, context());
    }
    Context context(int64_t milliseconds = 10'000) const {
        Context out;
        out.deadline = SystemClock().monotonic() + milliseconds;
        out.stateDirectory = directory.path() + "/state";
        return out;
    }
    ProcessSpec shell(const std::string& script) {
        ProcessSpec spec;
        spec.name = "web";
        spec.command = {"sh", "-c", script};
        spec.directory = directory.path();
        spec.stopMs = 2000;
        started_.push_back(spec);
        return spec;
    }
    ProcessState apply(const ProcessSpec& spec, const Environment& environment = {}) {
        const auto state = driver->apply("shop-fra", spec, environment, context());
        EXPECT_TRUE(state) << describe(state.error());
        return state ? *state : ProcessState{};
    }
    std::string inFile(const std::string& name) const { return readFile(directory.path() + "/" + name).value_or(""); }
    // What the process does comes to pass a little after it was started.
    bool soon(const std::function<bool()>& condition) const {
        for (int i = 0; i < 1000; ++i) {
            if (condition()) return true;
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        return false;
    }
    std::string log() const { return inFile("state/shop-fra/web.log"); }

    test::Directory directory;
    std::unique_ptr<ProcessDriver> driver = makeProcessDriver();
    std::vector<ProcessSpec> started_;
};

}  // namespace swb::driver
