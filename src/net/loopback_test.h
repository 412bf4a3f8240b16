// For the tests of net: an authority with certificates, a server on a free loopback port, and a blocking TLS client
// that can also misbehave.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/fd.h"
#include "crypto/certificate.h"
#include "crypto/tls_context.h"
#include "net/http_server.h"
#include "net/websocket_client.h"

namespace swb::net::test {

inline constexpr int64_t certificateHours = 24;

class TestAuthority {
  public:
    TestAuthority()
        : root_(crypto::createAuthority("test authority", 1).value()),
          authority_(crypto::CertificateAuthority::load(root_.certificatePem, root_.keyPem).value()) {}

    TlsIdentity issue(const std::string& name, int64_t hours = certificateHours) const {
        crypto::SignRequest wanted;
        wanted.commonName = name;
        wanted.ipAddresses = {"127.0.0.1"};
        wanted.dnsNames = {"localhost"};
        wanted.lifetimeHours = hours;
        auto made = authority_.issue(wanted).value();
        return {made.certificatePem, made.keyPem, root_.certificatePem};
    }
    const std::string& pem() const { return root_.certificatePem; }

  private:
    crypto::KeyAndCertificate root_;
    crypto::CertificateAuthority authority_;
};

// Certificates of one authority, made once: key generation is the slow part of these tests.
inline const TestAuthority& authority() {
    static const TestAuthority instance;
    return instance;
}
inline const TlsIdentity& serverIdentity() {
    static const TlsIdentity instance = authority().issue("controller");
    return instance;
}
inline const TlsIdentity& agentIdentity() {
    static const TlsIdentity instance = authority().issue("fra-1");
    return instance;
}

inline HttpServerSettings serverSettings() {
    HttpServerSettings settings;
    settings.listen = {{"127.0.0.1", 0}};
    settings.identity = serverIdentity();
    return settings;
}

// Waits up to ten seconds for the condition.
template <typename Condition>
bool eventually(Condition condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return true;
}

inline Fd connectTo(uint16_t port, int receiveBufferBytes = 0) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (receiveBufferBytes > 0) {
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &receiveBufferBytes, sizeof receiveBufferBytes);
    }
    timeval timeout{20, 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return Fd();
    return fd;
}

struct TestAnswer {
    int status = 0;  // 0: the connection ended without one
    std::string header;
    std::string body;
};

// One TLS connection, blocking, 20 s at most for each read.
class TestClient {
  public:
    explicit TestClient(uint16_t port, const TlsIdentity* identity = nullptr, int receiveBufferBytes = 0)
        : fd_(connectTo(port, receiveBufferBytes)) {
        const crypto::TlsIdentity own =
            identity ? crypto::TlsIdentity{identity->certificatePem, identity->privateKeyPem} : crypto::TlsIdentity{};
        context_ = crypto::clientContext(authority().pem(), identity ? &own : nullptr).value();
        ssl_ = SSL_new(context_.get());
        SSL_set_fd(ssl_, fd_.get());
        open_ = crypto::expectHost(ssl_, "127.0.0.1").has_value() && SSL_connect(ssl_) == 1;
    }
    ~TestClient() { SSL_free(ssl_); }
    TestClient(const TestClient&) = delete;
    TestClient& operator=(const TestClient&) = delete;

    bool open() const { return open_; }
    bool write(std::string_view text) {
        return SSL_write(ssl_, text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
    }
    // Some bytes more into the buffer; false at the end of the connection.
    bool readMore() {
        char bytes[16384];
        const int count = SSL_read(ssl_, bytes, sizeof bytes);
        if (count <= 0) return false;
        buffer_.append(bytes, static_cast<size_t>(count));
        return true;
    }
    bool readUntil(std::string_view mark) {
        while (buffer_.find(mark) == std::string::npos) {
            if (!readMore()) return false;
        }
        return true;
    }
    const std::string& buffer() const { return buffer_; }

    TestAnswer answer() {
        TestAnswer result;
        if (!readUntil("\r\n\r\n")) return result;
        const size_t end = buffer_.find("\r\n\r\n") + 4;
        result.header = buffer_.substr(0, end);
        result.status = std::stoi(result.header.substr(9, 3));
        const size_t field = result.header.find("Content-Length: ");
        const size_t length = field == std::string::npos ? 0 : std::stoul(result.header.substr(field + 16));
        while (buffer_.size() < end + length && readMore()) {
        }
        result.body = buffer_.substr(end, length);
        buffer_.erase(0, end + length);
        return result;
    }
    TestAnswer request(std::string_view method, std::string_view target, std::string_view body = {},
                       std::string_view fields = {}) {
        std::string text = std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: localhost\r\n";
        text.append(fields);
        if (!body.empty()) text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        text += "\r\n";
        text.append(body);
        write(text);
        return answer();
    }

  private:
    Fd fd_;
    crypto::TlsContext context_;
    SSL* ssl_ = nullptr;
    bool open_ = false;
    std::string buffer_;
};

// A temporary directory, gone with the object, and programs whose output ends in it.
class TestDirectory {
  public:
    TestDirectory() {
        std::string name = (std::filesystem::temp_directory_path() / "swb-net-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    ~TestDirectory() { std::filesystem::remove_all(path_); }
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;

    std::string write(const std::string& name, std::string_view text) const {
        const auto path = path_ / name;
        std::ofstream(path, std::ios::binary) << text;
        return path.string();
    }
    // Standard output and error of the program, found by PATH.
    std::string run(const std::vector<std::string>& arguments) const {
        std::vector<char*> argv;
        for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
        argv.push_back(nullptr);
        const std::string output = write("output", "");
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_addopen(&actions, 1, output.c_str(), O_WRONLY | O_TRUNC, 0);
        posix_spawn_file_actions_adddup2(&actions, 1, 2);
        pid_t pid = 0;
        const int failed = ::posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
        posix_spawn_file_actions_destroy(&actions);
        if (failed != 0) return "cannot run " + arguments.at(0);
        ::waitpid(pid, nullptr, 0);
        std::ifstream file(output);
        return {std::istreambuf_iterator<char>(file), {}};
    }

  private:
    std::filesystem::path path_;
};

// What happened at one end of a WebSocket, in order.
class Record {
  public:
    void message(std::string text) {
        std::lock_guard lock(mutex_);
        messages_.push_back(std::move(text));
        changed_.notify_all();
    }
    void opened(WebSocketHandle session) {
        std::lock_guard lock(mutex_);
        session_ = std::move(session);
        ++opens_;
        changed_.notify_all();
    }
    void closed(const Error& error) {
        std::lock_guard lock(mutex_);
        errors_.push_back(error);
        changed_.notify_all();
    }
    WebSocketEvents events() {
        return {[this](const WebSocketHandle& session) { opened(session); },
                [this](std::string text) { message(std::move(text)); }, [this](const Error& error) { closed(error); }};
    }
    bool waitMessages(size_t count) {
        return wait([&] { return messages_.size() >= count; });
    }
    bool waitOpens(size_t count) {
        return wait([&] { return opens_ >= count; });
    }
    bool waitClosed(size_t count = 1) {
        return wait([&] { return errors_.size() >= count; });
    }
    std::vector<std::string> messages() {
        std::lock_guard lock(mutex_);
        return messages_;
    }
    std::vector<Error> errors() {
        std::lock_guard lock(mutex_);
        return errors_;
    }
    size_t opens() {
        std::lock_guard lock(mutex_);
        return opens_;
    }
    WebSocketHandle session() {
        std::lock_guard lock(mutex_);
        return session_;
    }

  private:
    template <typename Condition>
    bool wait(Condition condition) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(20), condition);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> messages_;
    std::vector<Error> errors_;
    size_t opens_ = 0;
    WebSocketHandle session_;
};

inline WebSocketTarget targetOf(uint16_t port, const TlsIdentity& identity = agentIdentity()) {
    WebSocketTarget target;
    target.host = "127.0.0.1";
    target.port = port;
    target.identity = identity;
    return target;
}

inline void ignoreRequest(HttpRequest, const HttpRespond& respond) {
    respond(HttpResponse{});
}

}  // namespace swb::net::test
