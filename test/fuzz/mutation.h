// Variants of an input for the plain fuzz runner: small damage of the kinds that break parsers. The same seed makes the
// same variant on every machine, so that a finding can be repeated by its number.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace swb::fuzz {

class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15ULL + 0x2545f4914f6cdd1dULL) {}
    uint64_t next();
    // In [0, bound); 0 when bound is 0.
    size_t below(size_t bound);

  private:
    uint64_t state_;
};

constexpr size_t variantBytesMax = 64 << 10;

// One to four changes of `input`; pieces of `others` may be spliced in.
std::string variantOf(const std::string& input, const std::vector<std::string>& others, uint64_t seed);

}  // namespace swb::fuzz
