// For the tests of `swing` as a program: a controller that answers by script over real TLS, and the program run against
// it with pipes or a pseudo-terminal.
#pragma once

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <map>
#include <mutex>

#include "base/clock.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/json.h"
#include "crypto/certificate.h"
#include "net/http_server.h"

namespace swb::swing::test {

constexpr int64_t patienceMs = 30'000;  // for what takes milliseconds unless the machine is very busy

class TestAuthority {
  public:
    TestAuthority() : root_(crypto::createAuthority("test authority", 1).value()) {}
    const std::string& pem() const { return root_.certificatePem; }
    net::TlsIdentity controller() const {
        const auto authority = crypto::CertificateAuthority::load(root_.certificatePem, root_.keyPem).value();
        crypto::SignRequest wanted;
        wanted.commonName = "controller";
        wanted.ipAddresses = {"127.0.0.1"};
        wanted.lifetimeHours = 24;
        auto made = authority.issue(wanted).value();
        return {made.certificatePem, made.keyPem, root_.certificatePem};
    }

  private:
    crypto::KeyAndCertificate root_;
};

inline const TestAuthority& authority() {
    static const TestAuthority instance;
    return instance;
}

class TemporaryDirectory {
  public:
    TemporaryDirectory() {
        std::string pattern = (std::filesystem::temp_directory_path() / "swing-test-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
    std::string file(const std::string& name, std::string_view content) const {
        const std::string path = path_ + "/" + name;
        EXPECT_TRUE(makeDirectories(std::filesystem::path(path).parent_path()));
        EXPECT_TRUE(writeFileAtomically(path, content));
        return path;
    }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

// Answers "METHOD /path" by the script: each answer once, the last for ever. Remembers what it was asked.
class ScriptedController {
  public:
    struct Seen {
        std::string method, target, token, contentType, body;
        Json json() const { return parseJson(body).value_or(Json(nullptr)); }
    };

    ScriptedController() {
        net::HttpServerSettings settings;
        settings.listen = {{"127.0.0.1", 0}};
        settings.identity = authority().controller();
        server_ = std::make_unique<net::HttpServer>(
            settings, [this](net::HttpRequest request, net::HttpRespond respond) { answer(request, respond); });
        EXPECT_TRUE(server_->start());
    }

    std::string url() const { return "https://127.0.0.1:" + std::to_string(server_->port()); }
    void on(const std::string& route, const Json& body, int status = 200) {
        net::HttpResponse response;
        response.status = status;
        response.body = toText(body);
        onResponse(route, std::move(response));
    }
    void onError(const std::string& route, const Error& error) { onResponse(route, net::HttpResponse::error(error)); }
    void onResponse(const std::string& route, net::HttpResponse response) {
        const std::lock_guard lock(mutex_);
        script_[route].push_back(std::move(response));
    }
    // Keeps the request and never answers: the connection ends when the controller is destroyed or stopped.
    void onSilence(const std::string& route) {
        const std::lock_guard lock(mutex_);
        silent_.push_back(route);
    }
    void stop() { server_->stop(); }
    std::vector<Seen> seen() const {
        const std::lock_guard lock(mutex_);
        return seen_;
    }
    Seen last(const std::string& method) const {
        const std::lock_guard lock(mutex_);
        for (auto request = seen_.rbegin(); request != seen_.rend(); ++request)
            if (request->method == method) return *request;
        ADD_FAILURE() << "no " << method << " was seen";
        return {};
    }
    size_t count(const std::string& method, const std::string& target) const {
        size_t found = 0;
        for (const Seen& request : seen()) found += request.method == method && request.target == target;
        return found;
    }

  private:
    void answer(const net::HttpRequest& request, const net::HttpRespond& respond) {
        const std::lock_guard lock(mutex_);
        seen_.push_back({request.method, request.target, std::string(request.header("Authorization")),
                         std::string(request.header("Content-Type")), request.body});
        const std::string route = request.method + " " + request.path;
        if (std::find(silent_.begin(), silent_.end(), route) != silent_.end()) {
            held_.push_back(respond);
            return;
        }
        auto found = script_.find(route);
        if (found == script_.end())
            return respond(net::HttpResponse::error(Error(ErrorCode::NotFound, "the script has no " + route)));
        net::HttpResponse response = found->second.front();
        if (found->second.size() > 1) found->second.pop_front();
        respond(std::move(response));
    }

    mutable std::mutex mutex_;
    std::map<std::string, std::deque<net::HttpResponse>> script_;
    std::vector<std::string> silent_;
    std::vector<Seen> seen_;
    std::vector<net::HttpRespond> held_;
    std::unique_ptr<net::HttpServer> server_;
};

struct Outcome {
    int exitCode = -1;  // 128 + signal when it was ended by one
    std::string out, err;
    Json document() const {
        auto parsed = parseJson(out);
        EXPECT_TRUE(parsed) << "not exactly one JSON document: " << out;
        return parsed.value_or(Json(nullptr));
    }
};

// The program as a child. With pipes, or everything on one pseudo-terminal (then `out` is what the terminal shows).
class Program {
  public:
    enum class Ends { pipes, terminal };

    Program(const std::vector<std::string>& arguments, std::map<std::string, std::string> environment, Ends ends) {
        environment.try_emplace("HOME", home_.path());
        environment.try_emplace("TERM", "xterm");
        environment.try_emplace("LANG", "C.UTF-8");
        std::vector<std::string> words = {SWING_PROGRAM};
        words.insert(words.end(), arguments.begin(), arguments.end());
        std::vector<std::string> settings;
        for (const auto& [name, value] : environment) settings.push_back(name + "=" + value);
        const auto pointers = [](std::vector<std::string>& texts) {
            std::vector<char*> out;
            for (std::string& text : texts) out.push_back(text.data());
            out.push_back(nullptr);
            return out;
        };
        const auto argv = pointers(words), envp = pointers(settings);
        ends == Ends::pipes ? startWithPipes(argv, envp) : startOnTerminal(argv, envp);
    }
    ~Program() {
        if (pid_ <= 0) return;
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    void write(std::string_view text) {
        ASSERT_EQ(::write(input_.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    void closeInput() { input_.reset(); }
    void interrupt() { ::kill(pid_, SIGINT); }

    // Reads until the text was shown on either end.
    bool waitFor(std::string_view text) {
        const int64_t deadline = clock_.monotonic() + patienceMs;
        while (shown_.out.find(text) == std::string::npos && shown_.err.find(text) == std::string::npos)
            if (clock_.monotonic() > deadline || !readMore()) return false;
        return true;
    }
    Outcome finish() {
        const int64_t deadline = clock_.monotonic() + patienceMs;
        while (clock_.monotonic() < deadline && readMore()) {
        }
        int status = 0;
        while (::waitpid(pid_, &status, WNOHANG) == 0) {
            if (clock_.monotonic() > deadline) ::kill(pid_, SIGKILL);
            ::usleep(1000);
        }
        pid_ = -1;
        shown_.exitCode = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return shown_;
    }

  private:
    // Whoever started the tests may have made SIGINT ignored, as shells do for what runs in the background.
    static void hearSignals() {
        ::signal(SIGINT, SIG_DFL);
        ::signal(SIGTERM, SIG_DFL);
    }

    void startWithPipes(const std::vector<char*>& argv, const std::vector<char*>& envp) {
        int in[2], out[2], err[2];
        ASSERT_EQ(::pipe2(in, O_CLOEXEC) | ::pipe2(out, O_CLOEXEC) | ::pipe2(err, O_CLOEXEC), 0);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::dup2(in[0], 0);
            ::dup2(out[1], 1);
            ::dup2(err[1], 2);
            hearSignals();
            ::execve(argv[0], argv.data(), envp.data());
            ::_exit(127);
        }
        ::close(in[0]);
        ::close(out[1]);
        ::close(err[1]);
        input_ = Fd(in[1]);
        output_ = Fd(out[0]);
        errors_ = Fd(err[0]);
    }
    void startOnTerminal(const std::vector<char*>& argv, const std::vector<char*>& envp) {
        int master = -1;
        winsize size{40, 120, 0, 0};
        pid_ = ::forkpty(&master, nullptr, nullptr, &size);
        if (pid_ == 0) {
            hearSignals();
            ::execve(argv[0], argv.data(), envp.data());
            ::_exit(127);
        }
        ::fcntl(master, F_SETFD, FD_CLOEXEC);
        output_ = Fd(master);
        input_ = Fd(::fcntl(master, F_DUPFD_CLOEXEC, 0));
    }
    // False when both ends are closed.
    bool readMore() {
        pollfd entries[2] = {{output_.get(), POLLIN, 0}, {errors_.get(), POLLIN, 0}};
        if (!output_.valid() && !errors_.valid()) return false;
        if (::poll(entries, 2, 100) <= 0) return true;
        readFrom(output_, entries[0], shown_.out);
        readFrom(errors_, entries[1], shown_.err);
        return true;
    }
    static void readFrom(Fd& fd, const pollfd& entry, std::string& to) {
        if (!fd.valid() || !entry.revents) return;
        char buffer[4096];
        const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
        if (got > 0)
            to.append(buffer, static_cast<size_t>(got));
        else
            fd.reset();
    }

    TemporaryDirectory home_;
    SystemClock clock_;
    pid_t pid_ = -1;
    Fd input_, output_, errors_;
    Outcome shown_;
};

// One scripted controller, and the program with the settings that reach it.
class SwingTest : public testing::Test {
  protected:
    std::map<std::string, std::string> environment() const {
        return {{"SWING_URL", controller.url()}, {"SWING_TOKEN", "secret-token"}, {"SWING_CA", caFile}};
    }
    Outcome swing(const std::vector<std::string>& arguments, std::string_view input = {}) {
        return swingWith(environment(), arguments, input);
    }
    static Outcome swingWith(const std::map<std::string, std::string>& environment,
                             const std::vector<std::string>& arguments, std::string_view input = {}) {
        Program program(arguments, environment, Program::Ends::pipes);
        if (!input.empty()) program.write(input);
        program.closeInput();
        return program.finish();
    }

    ScriptedController controller;
    TemporaryDirectory directory;
    std::string caFile = directory.file("authority.pem", authority().pem());
};

// A run as the API publishes it.
inline Json runDocument(std::string_view state, std::vector<JsonObject> steps = {}, JsonObject more = {}) {
    JsonArray all;
    for (JsonObject& step : steps) all.push_back(std::move(step));
    JsonObject run{{"id", "r-1"},
                   {"kind", "switch"},
                   {"group", "shop"},
                   {"from", "shop-fra"},
                   {"to", "shop-nyc"},
                   {"epoch", 7},
                   {"state", state},
                   {"startedAt", "2026-11-22T10:00:00.000Z"},
                   {"finishedAt", nullptr},
                   {"writeOutageMs", nullptr},
                   {"outageBudgetMs", 10000},
                   {"pointOfNoReturnAt", nullptr},
                   {"actor", "alice"},
                   {"reason", "drill"},
                   {"detail", ""},
                   {"lost", nullptr},
                   {"checks", nullptr},
                   {"steps", all}};
    for (const auto& [key, value] : more) run[key] = value;
    return run;
}

inline JsonObject stepDocument(std::string_view name, std::string_view state, Json milliseconds = nullptr,
                               Json error = nullptr) {
    return {{"name", name},
            {"title", std::string("title of ") + std::string(name)},
            {"state", state},
            {"server", "fra-1"},
            {"milliseconds", milliseconds},
            {"attempts", 1},
            {"detail", ""},
            {"pointOfNoReturn", name == "promote"},
            {"verify", "proof of " + std::string(name)},
            {"error", error}};
}

inline Json wrapped(std::string_view member, const Json& value) {
    return JsonObject{{member, value}};
}

}  // namespace swb::swing::test
