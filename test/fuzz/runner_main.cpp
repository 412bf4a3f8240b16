// main() of a fuzz target where libFuzzer is not its main(): see runner.h.
#include <cstdio>

#include "runner.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

int main(int argc, char** argv) {
    swb::fuzz::Options options;
    if (!swb::fuzz::parseArguments({argv + 1, argv + argc}, options)) {
        fprintf(stderr, "usage: %s CORPUS [FILE VARIANT]\n", argv[0]);
        return 2;
    }
    const size_t tried = swb::fuzz::replay(options, LLVMFuzzerTestOneInput);
    printf("%zu inputs\n", tried);
    if (tried == 0) fprintf(stderr, "no input in %s\n", options.corpus.c_str());
    return tried == 0 ? 1 : 0;
}
