// Physical copies between agents: the source's agent hands one out (CopyService), the replica's takes it (CopyReader).
// For engines whose own protocol cannot carry one. Who may take it is who may replicate: a client certificate of the
// controller's authority with the replication user's name. The frames are in copy_frame.h.
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "driver/support/copy_frame.h"
#include "driver/support/tls_directory.h"
#include "driver/support/tls_stream.h"

namespace swb::driver {

// A peer that takes or sends nothing for so long is gone.
constexpr int64_t copyStallMs = 60'000;

// What the giver writes to.
class CopySink {
  public:
    CopySink(TlsStream& stream, std::function<bool()> cancelled) : stream_(stream), cancelled_(std::move(cancelled)) {}
    Result<void> header(const JsonObject& header);
    Result<void> data(std::string_view bytes);
    Result<void> end(const JsonObject& end);
    bool cancelled() const { return cancelled_(); }

  private:
    Result<void> send(FrameType type, std::string_view payload);
    TlsStream& stream_;
    std::function<bool()> cancelled_;
};

class CopyService {
  public:
    // Sends the header and the data; its error ends the copy, and is told to the peer.
    using Give = std::function<Result<void>(CopySink& sink)>;

    // Listens at the address; at every address when this machine does not have that one (a forwarded port).
    static Result<std::unique_ptr<CopyService>> listen(const HostPort& address, std::string database, TlsDirectory tls,
                                                       Give give);
    ~CopyService();  // ends copies under way
    CopyService(const CopyService&) = delete;
    CopyService& operator=(const CopyService&) = delete;
    const HostPort& address() const { return address_; }

  private:
    CopyService(HostPort address, std::string database, TlsDirectory tls, Give give, Fd listener);
    void acceptAll();
    void serve(Fd socket);
    Result<void> serveOne(TlsStream& stream);

    // Of which one is given a copy; strangers may hold some until their handshake is given up.
    static constexpr size_t connectionsMax = 16;
    struct Served {
        std::thread thread;
        std::shared_ptr<std::atomic<bool>> ended;
    };
    void joinEnded();
    // One line in a while for all strangers: their number must not fill a log.
    void tellOfStranger(const Error& error);

    const HostPort address_;
    const std::string database_;
    const TlsDirectory tls_;
    const Give give_;
    const Fd listener_;
    std::atomic<bool> stopping_{false};
    std::mutex telling_;
    MonotonicMs toldAt_ = 0;
    size_t untold_ = 0;
    std::timed_mutex giving_;   // one copy at a time
    std::list<Served> served_;  // of the accepting one
    std::thread accepting_;
};

class CopyReader {
  public:
    // The header has come, and it was no refusal.
    static Result<CopyReader> open(const HostPort& address, const std::string& serverName, const std::string& database,
                                   const TlsDirectory& tls, const Context& context);
    const Json& header() const { return header_; }
    // The next piece, valid until the next call; empty at the end of a copy that is complete.
    Result<std::string_view> next(const Context& context);

  private:
    explicit CopyReader(TlsStream stream) : stream_(std::move(stream)) {}
    Result<FrameType> read(const Context& context);

    TlsStream stream_;
    Json header_;
    std::string payload_;
};

}  // namespace swb::driver
