// Charts of links, in the store: samples come in every few seconds and stay in memory until flush(), which writes the
// blocks that changed (health/lag_history.h) and removes those that are too old. A controller that dies loses what came
// since its last flush, and nothing else.
#pragma once

#include <mutex>

#include "health/lag_history.h"
#include "store/store.h"

namespace swb::dispatch {

class LinkHistory {
  public:
    explicit LinkHistory(store::Store& store) : store_(store) {}

    void add(const std::string& pair, UnixMs at, const health::Sample& sample);
    // What is not written is kept and written the next time.
    Result<void> flush(UnixMs now);

    struct Point {
        UnixMs at = 0;
        health::Sample sample;
    };
    Result<std::vector<Point>> read(const std::string& pair, const health::Tier& tier, UnixMs from, UnixMs to) const;
    // The newest sample of the finest tier that has one not older than an hour.
    std::optional<Point> newest(const std::string& pair, UnixMs now) const;

  private:
    struct Block {
        health::Samples samples;
        bool isDirty = false;
    };
    Result<health::Samples> stored(const std::string& id) const;
    Result<void> forgetOld(UnixMs now);

    store::Store& store_;
    mutable std::mutex mutex_;
    std::map<std::string, Block> blocks_;  // by document id: those being filled
    UnixMs forgotAt_ = 0;
};

}  // namespace swb::dispatch
