#include "runner.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "mutation.h"

namespace swb::fuzz {
namespace {

// What a dying target was given; read by the signal handler, so plain memory.
char currentInput[512];

void tellInput(int signal) {
    (void)!write(STDERR_FILENO, currentInput, strlen(currentInput));
    std::signal(signal, SIG_DFL);
    raise(signal);
}

struct CorpusFile {
    std::string name, content;
};

std::vector<CorpusFile> readCorpus(const std::string& directory) {
    std::vector<CorpusFile> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream stream(entry.path(), std::ios::binary);
        files.push_back({entry.path().filename(), std::string(std::istreambuf_iterator<char>(stream), {})});
    }
    std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return files;
}

void tryInput(Target target, const CorpusFile& file, uint64_t variant, const std::string& text) {
    snprintf(currentInput, sizeof currentInput, "\nended by %s, variant %llu: repeat it with these two as arguments\n",
             file.name.c_str(), static_cast<unsigned long long>(variant));
    // A copy of exactly its size lets AddressSanitizer see a read past the end.
    const std::vector<uint8_t> bytes(text.begin(), text.end());
    target(bytes.data(), bytes.size());
}

}  // namespace

bool parseArguments(const std::vector<std::string>& arguments, Options& options) {
    if (arguments.size() != 1 && arguments.size() != 3) return false;
    options.corpus = arguments[0];
    if (arguments.size() == 1) return true;
    options.onlyFile = arguments[1];
    if (arguments[2].empty() || arguments[2].find_first_not_of("0123456789") != std::string::npos) return false;
    options.onlyVariant = std::stoull(arguments[2]);
    return true;
}

size_t replay(const Options& options, Target target) {
    for (const int signal : {SIGABRT, SIGSEGV, SIGFPE, SIGBUS, SIGILL}) std::signal(signal, tellInput);
    const std::vector<CorpusFile> files = readCorpus(options.corpus);
    std::vector<std::string> contents;
    for (const CorpusFile& file : files) contents.push_back(file.content);
    const auto textOf = [&](const CorpusFile& file, uint64_t variant) {
        return variant == 0 ? file.content : variantOf(file.content, contents, variant);
    };

    size_t tried = 0;
    if (!options.onlyFile.empty()) {
        for (const CorpusFile& file : files)
            if (file.name == options.onlyFile) {
                const std::string text = textOf(file, options.onlyVariant);
                fwrite(text.data(), 1, text.size(), stdout);
                fputc('\n', stdout);
                fflush(stdout);
                tryInput(target, file, options.onlyVariant, text);
                ++tried;
            }
        return tried;
    }
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(options.milliseconds);
    // Round by round over the files: when time ends early every file has had its share. The first round is the corpus.
    for (uint64_t variant = 0; !files.empty() && tried < std::max(options.inputs, files.size()); ++variant)
        for (const CorpusFile& file : files) {
            if (variant > 0 && std::chrono::steady_clock::now() > end) return tried;
            tryInput(target, file, variant, textOf(file, variant));
            ++tried;
        }
    return tried;
}

}  // namespace swb::fuzz
