#include "lab/http.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <charconv>

#include "base/clock.h"
#include "dns/address.h"

namespace swb::lab {
namespace {

constexpr size_t headBytesMax = 16 << 10;
constexpr size_t bodyBytesMax = 64 << 20;  // a page of 10,000 orders is 3 MB

bool await(int fd, short events, double deadline) {
    for (;;) {
        const double left = deadline - preciseMs();
        if (left <= 0) return false;
        pollfd waiting{fd, events, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left) + 1);
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return true;  // the next call says what is wrong
    }
}

bool sameWord(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
    return text;
}

}  // namespace

Result<ReplyHead> parseReplyHead(std::string_view head) {
    const auto malformed = [] {
        return fail(ErrorCode::ProtocolViolation, "the answer is not HTTP/1.1 with a length");
    };
    ReplyHead out;
    if (head.size() < 12 || !head.starts_with("HTTP/1.") || head[8] != ' ') return malformed();
    if (std::from_chars(head.data() + 9, head.data() + 12, out.reply.status).ptr != head.data() + 12)
        return malformed();
    out.reply.keepAlive = head[7] == '1';
    bool length = out.reply.status == 204 || out.reply.status == 304;
    for (size_t at = head.find('\n'); at != std::string_view::npos && at + 1 < head.size();) {
        const size_t end = std::min(head.find('\n', at + 1), head.size());
        const std::string_view line = head.substr(at + 1, end - at - 1);
        const size_t colon = line.find(':');
        if (colon != std::string_view::npos) {
            const std::string_view name = line.substr(0, colon), value = trimmed(line.substr(colon + 1));
            if (sameWord(name, "content-length")) {
                const auto [last, error] = std::from_chars(value.data(), value.data() + value.size(), out.bodyBytes);
                if (error != std::errc() || last != value.data() + value.size() || out.bodyBytes > bodyBytesMax)
                    return malformed();
                length = true;
            }
            if (sameWord(name, "transfer-encoding")) return malformed();
            if (sameWord(name, "connection") && sameWord(value, "close")) out.reply.keepAlive = false;
            if (sameWord(name, "swingbridge-maintenance")) out.reply.maintenance = true;
        }
        at = end < head.size() ? end : std::string_view::npos;
    }
    if (!length) return malformed();
    return out;
}

std::string requestText(std::string_view method, std::string_view path, std::string_view host, std::string_view body) {
    std::string text =
        std::string(method) + " " + std::string(path) + " HTTP/1.1\r\nHost: " + std::string(host) + "\r\n";
    if (!body.empty())
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    return text + "\r\n" + std::string(body);
}

void HttpConnection::close() {
    socket_.reset();
    peer_.clear();
}

HttpFailure HttpConnection::connect(const std::string& peer, double deadline, bool& connected) {
    const auto endpoint = dns::Endpoint::fromText(peer);
    connected = false;
    if (!endpoint) return HttpFailure::refused;
    const auto name = dns::SocketAddress::of(*endpoint);
    socket_ = Fd(::socket(name.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(socket_.get(), name.pointer(), name.size) != 0) {
        if (errno != EINPROGRESS) return HttpFailure::refused;
        if (!await(socket_.get(), POLLOUT, deadline)) return HttpFailure::timeout;
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return error == ETIMEDOUT ? HttpFailure::timeout : HttpFailure::refused;
    }
    peer_ = peer;
    connected = true;
    return HttpFailure::refused;
}

tl::expected<HttpReply, HttpFailure> HttpConnection::exchange(const std::string& text, double deadline) {
    for (size_t sent = 0; sent < text.size();) {
        const ssize_t size = ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (size > 0)
            sent += static_cast<size_t>(size);
        else if (errno != EAGAIN && errno != EINTR)
            return tl::make_unexpected(HttpFailure::reset);
        else if (!await(socket_.get(), POLLOUT, deadline))
            return tl::make_unexpected(HttpFailure::timeout);
    }
    std::string buffer;
    std::optional<ReplyHead> head;
    size_t headBytes = 0;
    for (;;) {
        if (!head) {
            const size_t end = buffer.find("\r\n\r\n");
            if (end != std::string::npos) {
                headBytes = end + 4;
                auto parsed = parseReplyHead(std::string_view(buffer).substr(0, headBytes));
                if (!parsed) return tl::make_unexpected(HttpFailure::malformed);
                head = std::move(*parsed);
            } else if (buffer.size() > headBytesMax) {
                return tl::make_unexpected(HttpFailure::malformed);
            }
        }
        if (head && buffer.size() >= headBytes + head->bodyBytes) break;
        char piece[64 << 10];
        const ssize_t size = ::recv(socket_.get(), piece, sizeof piece, 0);
        if (size > 0)
            buffer.append(piece, static_cast<size_t>(size));
        else if (size == 0 || (errno != EAGAIN && errno != EINTR))
            return tl::make_unexpected(HttpFailure::reset);
        else if (!await(socket_.get(), POLLIN, deadline))
            return tl::make_unexpected(HttpFailure::timeout);
    }
    head->reply.body = buffer.substr(headBytes, head->bodyBytes);
    return std::move(head->reply);
}

tl::expected<HttpReply, HttpFailure> HttpConnection::request(const std::string& peer, const std::string& text,
                                                             int64_t timeoutMs) {
    const double deadline = preciseMs() + static_cast<double>(timeoutMs);
    // A kept connection that the other side has closed meanwhile is seen before anything is sent on it.
    if (char byte; socket_.valid() && ::recv(socket_.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0) close();
    if (peer_ != peer) {
        close();
        bool connected = false;
        const HttpFailure failure = connect(peer, deadline, connected);
        if (!connected) {
            close();
            return tl::make_unexpected(failure);
        }
    }
    auto reply = exchange(text, deadline);
    if (!reply || !reply->keepAlive) close();
    return reply;
}

}  // namespace swb::lab
