// A transfer as a sequence of messages, made one at a time as the client reads them.
//
//     request ─▶ TransferStream::next(buffer, now) ─▶ message ─▶ … ─▶ 0 when the last one has been made
//
// Bounded memory: one message at a time. Signed when the request was: every message, so that each can be trusted when
// it arrives. Pure: no socket, the time comes in.
#pragma once

#include <optional>

#include "dns/query.h"
#include "dns/transfer/content.h"
#include "dns/tsig.h"

namespace swb::dns::transfer {

class TransferStream {
  public:
    TransferStream(const Query& query, Content content, std::optional<TsigSigner> signer);

    // The next message; 0 at the end. A record that fits no message ends it too: failed() says so.
    // Precondition: the buffer holds messageBytesMax.
    size_t next(std::span<uint8_t> buffer, UnixSeconds now);
    bool failed() const { return failed_; }
    const Content& content() const { return content_; }

  private:
    void writeHead(WireWriter& writer);
    uint16_t writeRecords(WireWriter& writer);

    Content content_;
    std::optional<TsigSigner> signer_;
    uint16_t id_;
    uint16_t flags_;
    Name questionName_;
    uint16_t questionType_;
    bool withOpt_;
    bool first_ = true;
    bool failed_ = false;
};

}  // namespace swb::dns::transfer
