#include "swing/terminal.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "swing/interrupt.h"

namespace swb::swing {
namespace {

std::string variable(const char* name) {
    const char* value = std::getenv(name);
    return value ? value : "";
}

void ask(std::string_view question) {
    std::fwrite(question.data(), 1, question.size(), stderr);
    std::fflush(stderr);
}

// False: Ctrl-C came. The signal is let in only while waiting, so that none falls between a look and the wait.
bool waitForInput() {
    sigset_t interrupt, before;
    ::sigemptyset(&interrupt);
    ::sigaddset(&interrupt, SIGINT);
    ::pthread_sigmask(SIG_BLOCK, &interrupt, &before);
    pollfd input{STDIN_FILENO, POLLIN, 0};
    while (!InterruptGuard::requested() && ::ppoll(&input, 1, nullptr, &before) < 0 && errno == EINTR) {
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return !InterruptGuard::requested();
}

// Bytes up to the line's end, straight from the descriptor: a buffered reader would swallow what follows.
std::string readLine() {
    std::string line;
    char c = 0;
    while (line.size() < (64 << 10) && waitForInput()) {
        const ssize_t got = ::read(STDIN_FILENO, &c, 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0 || c == '\n') break;
        line += c;
    }
    return line;
}

}  // namespace

bool isTerminal(FILE* stream) {
    return ::isatty(::fileno(stream)) == 1;
}
bool canAsk() {
    return isTerminal(stdin) && isTerminal(stderr);
}

bool coloursWanted(FILE* stream) {
    return isTerminal(stream) && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

bool unicodeWanted() {
    for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
        const std::string value = variable(name);
        if (value.empty()) continue;
        return value.find("UTF-8") != std::string::npos || value.find("utf8") != std::string::npos;
    }
    return false;
}

TerminalSize terminalSize(FILE* stream) {
    winsize size{};
    TerminalSize out;
    if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0) {
        if (size.ws_col > 0) out.columns = size.ws_col;
        if (size.ws_row > 0) out.rows = size.ws_row;
    }
    return out;
}

std::string askLine(std::string_view question) {
    ask(question);
    return readLine();
}

bool askYesNo(std::string_view question) {
    const std::string answer = askLine(std::string(question) + " [y/N] ");
    return answer == "y" || answer == "Y" || answer == "yes";
}

Result<Secret> askSecret(std::string_view question) {
    termios before{};
    if (::tcgetattr(STDIN_FILENO, &before) != 0)
        return fail(ErrorCode::InvalidInput, "the terminal cannot be asked without echo", "pipe the value into stdin");
    std::string line;
    bool interrupted = false;
    {
        InterruptGuard guard;
        termios silent = before;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
        line = askLine(question);
        interrupted = InterruptGuard::requested();
        ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    }
    ask("\n");
    if (interrupted) std::raise(SIGINT);
    return Secret(std::move(line));
}

Result<std::string> readStandardInput(size_t maxBytes) {
    std::string content;
    char buffer[8192];
    for (;;) {
        const ssize_t got = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return fail(ErrorCode::StorageFailed, std::string("cannot read stdin: ") + std::strerror(errno));
        if (got == 0) return content;
        content.append(buffer, static_cast<size_t>(got));
        if (content.size() > maxBytes)
            return fail(ErrorCode::TooLarge, "stdin carries more than " + std::to_string(maxBytes) + " bytes");
    }
}

}  // namespace swb::swing
