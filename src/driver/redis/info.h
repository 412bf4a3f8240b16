// The text of INFO: "# Section" lines and "name:value" lines. Pure.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace swb::driver::redis {

class Info {
  public:
    static Info parse(std::string_view text);

    std::string text(std::string_view name, std::string_view fallback = {}) const;
    // The integer at the beginning of the value; fallback when there is none.
    int64_t integer(std::string_view name, int64_t fallback = 0) const;
    bool has(std::string_view name) const { return values_.find(name) != values_.end(); }

    // slaveN:ip=…,port=…,state=…,offset=…,lag=… (the engine's own names, also Valkey's)
    struct Replica {
        std::string host;
        uint16_t port = 0;
        std::string state;
        int64_t offset = 0, lagSeconds = 0;
    };
    std::vector<Replica> replicas() const;
    // Keys in all databases (dbN:keys=…).
    int64_t keys() const;

  private:
    std::map<std::string, std::string, std::less<>> values_;
};

// 40 hex digits.
bool isReplicationId(std::string_view text);

}  // namespace swb::driver::redis
