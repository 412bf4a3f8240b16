// A keep-alive HTTP/1.1 connection that never repeats a request by itself. Ready-made clients send a request again when
// a kept connection turns out to be dead; an order would then be written twice, and the score would blame the product.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace swb::lab {

struct HttpReply {
    int status = 0;
    bool maintenance = false;  // the header Swingbridge-Maintenance
    bool keepAlive = true;
    std::string body;
};

// Of the head of an answer, up to and with its empty line; ProtocolViolation when it is none.
struct ReplyHead {
    HttpReply reply;
    size_t bodyBytes = 0;
};
Result<ReplyHead> parseReplyHead(std::string_view head);

enum class HttpFailure { refused, reset, timeout, malformed };

class HttpConnection {
  public:
    // Where it is connected; empty when it is not.
    const std::string& peer() const { return peer_; }
    void close();

    // Sends one request to address:port, connecting first where it is not connected to that yet. After `refused`
    // nothing was sent; after any other failure the request may have been carried out.
    tl::expected<HttpReply, HttpFailure> request(const std::string& peer, const std::string& text, int64_t timeoutMs);

  private:
    HttpFailure connect(const std::string& peer, double deadline, bool& connected);
    tl::expected<HttpReply, HttpFailure> exchange(const std::string& text, double deadline);

    Fd socket_;
    std::string peer_;
};

// The text of a request; body may be empty.
std::string requestText(std::string_view method, std::string_view path, std::string_view host,
                        std::string_view body = {});

}  // namespace swb::lab
