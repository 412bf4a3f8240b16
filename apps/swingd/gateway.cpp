#include "gateway.h"

#include <charconv>

#include "base/log.h"
#include "store/state.h"

namespace swb {
namespace {

constexpr int64_t agentCertificateHours = 24 * 30;

class SocketChannel final : public dispatch::Channel {
  public:
    explicit SocketChannel(net::WebSocketHandle socket) : socket_(std::move(socket)) {}
    bool send(std::string text) override { return socket_->send(std::move(text)); }
    void close(std::string reason) override { socket_->close(std::move(reason)); }
    std::string remoteAddress() const override { return socket_->remoteAddress(); }

  private:
    net::WebSocketHandle socket_;
};

Json eventJson(const store::Event& event) {
    return JsonObject{{"sequence", event.sequence},         {"at", isoTime(event.at)}, {"type", event.type},
                      {"subject", event.subject},           {"actor", event.actor},    {"detail", event.detail},
                      {"previousHash", event.previousHash}, {"hash", event.hash}};
}

// One reader of the event log: what it missed first, then what comes, each once and in order.
class EventFollower : public std::enable_shared_from_this<EventFollower> {
  public:
    // wanted: which types and subject; what is not wanted is passed over.
    EventFollower(store::Store& store, std::shared_ptr<net::EventStream> stream, store::EventQuery wanted)
        : store_(store), stream_(std::move(stream)), wanted_(std::move(wanted)), after_(wanted_.after) {}

    void start() {
        auto self = shared_from_this();
        subscription_ = store_.subscribe([weak = weak_from_this()](const store::Committed&) {
            if (const auto follower = weak.lock()) follower->catchUp();
        });
        // The stream's end lets go of the follower, which ends the subscription.
        stream_->onClosed([self]() mutable { self.reset(); });
        catchUp();
    }

  private:
    void catchUp() {
        const std::lock_guard lock(mutex_);
        for (;;) {
            store::EventQuery query;
            query.after = after_;
            query.limit = limits::eventPage;
            const auto events = store_.events(query);
            if (!events || events->empty()) return;
            for (const store::Event& event : *events) {
                after_ = event.sequence;
                if (!store::matches(event, wanted_)) continue;
                if (!stream_->send(
                        net::EventStream::format(std::to_string(event.sequence), event.type, toText(eventJson(event)))))
                    return;
            }
        }
    }

    store::Store& store_;
    std::shared_ptr<net::EventStream> stream_;
    const store::EventQuery wanted_;
    std::mutex mutex_;
    int64_t after_;
    store::Subscription subscription_;
};

}  // namespace

Gateway::Gateway(api::Api& api, dispatch::Fleet& fleet, store::Store& store,
                 const crypto::CertificateAuthority& authority)
    : api_(api), fleet_(fleet), store_(store), authority_(authority) {
    dispatch::FleetListener listener;
    listener.message = [this](const std::string& server, const link::Message& message) {
        if (const auto* request = std::get_if<link::Renew>(&message)) renew(server, *request);
    };
    fleet_.addListener(std::move(listener));
}

void Gateway::renew(const std::string& server, const link::Renew& request) {
    crypto::SignRequest wanted;
    wanted.commonName = server;
    wanted.usage = crypto::CertificateUsage::client;
    wanted.lifetimeHours = agentCertificateHours;
    auto certificate = authority_.sign(request.request, wanted);
    if (!certificate) {
        logWarning("gateway", "certificate of {} not renewed: {}", server, describe(certificate.error()));
        return;
    }
    logInfo("gateway", "certificate of {} renewed", server);
    fleet_.send(server, link::Certificate{*certificate, authority_.certificatePem()});
}

void Gateway::stream(const net::HttpRequest& request, const net::HttpRespond& respond) {
    if (auto actor = api_.authenticate(std::string(request.header("authorization"))); !actor)
        return respond(net::HttpResponse::error(actor.error()));
    std::string_view from = request.header("last-event-id");
    if (from.empty()) from = request.parameter("after");
    store::EventQuery wanted;
    wanted.after = store_.latestSequence();
    if (!from.empty()) std::from_chars(from.data(), from.data() + from.size(), wanted.after);
    wanted.typePrefix = request.parameter("type");
    wanted.subject = request.parameter("subject");
    net::HttpResponse response;
    response.stream = std::make_shared<net::EventStream>();
    auto follower = std::make_shared<EventFollower>(store_, response.stream, std::move(wanted));
    respond(response);
    follower->start();
}

void Gateway::handle(net::HttpRequest request, const net::HttpRespond& respond) {
    if (request.method == "GET" && request.path == "/v1/events/stream") return stream(request, respond);
    api::Request asked;
    asked.method = request.method;
    asked.path = request.path;
    asked.query = request.query;
    asked.contentType = std::string(request.header("content-type"));
    asked.authorization = std::string(request.header("authorization"));
    asked.body = std::move(request.body);
    asked.remoteAddress = request.remoteAddress;
    const api::Response answered = api_.handle(asked);
    net::HttpResponse response;
    response.status = answered.status;
    response.body = toText(answered.body);
    response.headers = {{"Cache-Control", "no-store"}, {"X-Content-Type-Options", "nosniff"}};
    respond(std::move(response));
}

Result<net::WebSocketCallbacks> Gateway::accept(const net::WebSocketHandle& socket) {
    const std::string& server = socket->peerName();
    // A certificate outlives a deleted server; the store decides who may connect.
    if (!TRY(store_.get("server", server)))
        return fail(ErrorCode::CertificateRejected, "the server " + server + " is not one of this controller's");
    const auto id = fleet_.opened(server, std::make_shared<SocketChannel>(socket));
    net::WebSocketCallbacks callbacks;
    callbacks.onMessage = [this, id](std::string text) { fleet_.received(id, std::move(text)); };
    callbacks.onClosed = [this, id](const Error& error) { fleet_.closed(id, error); };
    return callbacks;
}

}  // namespace swb
