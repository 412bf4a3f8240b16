// A real nginx in a directory of its own, with real upstreams behind it, for the driver's tests.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "driver/nginx/nginx_driver.h"

namespace swb::driver::test {

inline sockaddr_in loopback(uint16_t port, const char* host = "127.0.0.1") {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, host, &address.sin_addr);
    return address;
}

inline uint16_t freePort() {
    const Fd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    if (::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), size) != 0) return 0;
    ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

struct Reply {
    int status = 0;  // 0: the connection was cut
    std::string head, body;
    bool has(const std::string& text) const { return head.find(text) != std::string::npos; }
};

// One keep-alive connection, as a browser or a load tester holds it.
class Connection {
  public:
    explicit Connection(uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        const timeval limit{5, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        const sockaddr_in address = loopback(port);
        connected_ = ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    }
    bool connected() const { return connected_; }

    Reply ask(const std::string& method, const std::string& path, const std::string& headers = {},
              const std::string& body = {}) {
        std::string request = method + " " + path + " HTTP/1.1\r\nHost: shop.example\r\n" + headers;
        if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        request += "\r\n" + body;
        if (::send(socket_.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
            return {};
        return readReply(method == "HEAD");
    }

  private:
    bool readMore() {
        char buffer[65536];
        const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
        if (got <= 0) return false;
        pending_.append(buffer, static_cast<size_t>(got));
        return true;
    }
    Reply readReply(bool headOnly) {
        Reply reply;
        size_t end;
        while ((end = pending_.find("\r\n\r\n")) == std::string::npos)
            if (!readMore()) return {};
        reply.head = pending_.substr(0, end + 2);
        pending_.erase(0, end + 4);
        size_t length = 0;
        const size_t at = reply.head.find("Content-Length: ");
        if (at != std::string::npos && !headOnly) length = std::stoul(reply.head.substr(at + 16));
        while (pending_.size() < length)
            if (!readMore()) return {};
        reply.body = pending_.substr(0, length);
        pending_.erase(0, length);
        reply.status = std::stoi(reply.head.substr(9, 3));
        return reply;
    }

    Fd socket_;
    bool connected_ = false;
    std::string pending_;
};

// After a reload the workers of before may take a new connection or two until they have closed their sockets.
inline bool soon(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

// A small keep-alive application. It answers 200 with its name and the head of the request it got; /broken answers an
// application's own 503, /slow only when `slowAnswers` is set.
class Upstream {
  public:
    explicit Upstream(std::string name)
        : name_(std::move(name)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address = loopback(0);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
        ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        ::listen(socket_.get(), 128);
        acceptor_ = std::thread([this] { accept(); });
    }
    ~Upstream() {
        stop_ = true;
        acceptor_.join();
        for (std::thread& thread : threads_) thread.join();
    }
    uint16_t port() const { return port_; }
    int requests() const { return requests_; }
    std::atomic<bool> slowAnswers = false;

  private:
    static bool readable(int fd) {
        pollfd waited{fd, POLLIN, 0};
        return ::poll(&waited, 1, 20) > 0;
    }
    void accept() {
        while (!stop_) {
            if (!readable(socket_.get())) continue;
            const int client = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (client >= 0) threads_.emplace_back([this, client] { serve(Fd(client)); });
        }
    }
    void serve(Fd client) {
        std::string pending;
        char buffer[65536];
        while (!stop_) {
            if (!readable(client.get())) continue;
            const ssize_t got = ::recv(client.get(), buffer, sizeof buffer, 0);
            if (got <= 0) return;
            pending.append(buffer, static_cast<size_t>(got));
            const size_t end = pending.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            size_t length = 0;
            const size_t at = pending.find("Content-Length: ");
            if (at != std::string::npos && at < end) length = std::stoul(pending.substr(at + 16));
            if (pending.size() < end + 4 + length) continue;
            ++requests_;
            const std::string head = pending.substr(0, end);
            pending.erase(0, end + 4 + length);
            while (head.find(" /slow ") != std::string::npos && !slowAnswers && !stop_)
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
            const std::string body = name_ + "\n" + head;
            const std::string reply = std::string("HTTP/1.1 ") +
                                      (head.find(" /broken ") != std::string::npos ? "503 Busy" : "200 OK") +
                                      "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
            if (::send(client.get(), reply.data(), reply.size(), MSG_NOSIGNAL) < 0) return;
        }
    }

    std::string name_;
    Fd socket_;
    uint16_t port_ = 0;
    std::atomic<bool> stop_ = false;
    std::atomic<int> requests_ = 0;
    std::thread acceptor_;
    std::vector<std::thread> threads_;
};

// A directory that nginx's workers, who are not root, may enter.
class Directory {
  public:
    Directory() {
        std::string name = std::filesystem::temp_directory_path() / "swb-nginx-XXXXXX";
        path_ = ::mkdtemp(name.data());
        ::chmod(path_.c_str(), 0755);
    }
    ~Directory() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

class NginxTest : public testing::Test {
  protected:
    void TearDown() override {
        WebSpec web;
        web.service.config = config();
        EXPECT_TRUE(driver.stop(web, context()));
    }
    std::string config() const { return directory.path() + "/nginx.conf"; }
    static Context context(int64_t milliseconds = 15'000) {
        Context out;
        out.deadline = SystemClock().monotonic() + milliseconds;
        return out;
    }
    WebSpec webFor(const Upstream& upstream, uint16_t port) const {
        WebSpec web;
        web.server = "fra-1";
        web.address = "127.0.0.1";
        web.listen = {std::to_string(port)};
        web.upstream = {"127.0.0.1", upstream.port()};
        web.service.config = config();
        return web;
    }
    void prepare(const WebSpec& web, const MaintenanceSpec& maintenance = {}, std::string_view application = "shop-fra",
                 MaintenanceMode initial = MaintenanceMode::off) {
        const auto done = driver.prepare(application, web, maintenance, initial, context());
        ASSERT_TRUE(done) << describe(done.error());
    }
    FrontProbe set(const WebSpec& web, MaintenanceMode mode, std::string_view application = "shop-fra") {
        const auto done = driver.setMaintenance(application, web, mode, context());
        EXPECT_TRUE(done) << describe(done.error());
        return done ? *done : FrontProbe{};
    }

    Directory directory;
    NginxDriver driver;
};

}  // namespace swb::driver::test
