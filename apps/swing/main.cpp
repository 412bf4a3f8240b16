#include <csignal>

#include "swing/command_line.h"

int main(int argc, char** argv) {
    std::signal(SIGPIPE, SIG_IGN);
    return swb::swing::runCommandLine({argv + 1, argv + argc});
}
