// Replays a fuzz target over a corpus and over variants of it, without libFuzzer: the same run everywhere, in seconds.
// A target that ends the process is reported with the file and the number of the variant, which run it again alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace swb::fuzz {

using Target = int (*)(const uint8_t* data, size_t size);

struct Options {
    std::string corpus;           // directory
    size_t inputs = 4000;         // variants are shared out over the files
    int64_t milliseconds = 4000;  // ends early after this: sanitized builds are slower
    std::string onlyFile;         // with onlyVariant: that input alone, printed first
    uint64_t onlyVariant = 0;     // 0: the file as it is
};

// Arguments of a runner program: CORPUS [FILE VARIANT].
bool parseArguments(const std::vector<std::string>& arguments, Options& options);
// Number of inputs that were tried; 0 when the corpus has no file.
size_t replay(const Options& options, Target target);

}  // namespace swb::fuzz
