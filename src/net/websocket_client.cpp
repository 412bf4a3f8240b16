#include "net/websocket_client.h"

#include "net/detail/dialer.h"

namespace swb::net {

class WebSocketClient::Implementation : public detail::Dialer {
    using detail::Dialer::Dialer;
};

WebSocketClient::WebSocketClient(WebSocketTarget target, WebSocketEvents events)
    : implementation_(std::make_unique<Implementation>([target = std::move(target)] { return target; },
                                                       std::move(events), std::nullopt)) {}
WebSocketClient::~WebSocketClient() = default;

bool WebSocketClient::send(std::string text) {
    const auto session = implementation_->session();
    return session && session->send(std::move(text));
}

void WebSocketClient::close(std::string reason) {
    implementation_->giveUp(std::move(reason));
}

class PersistentWebSocket::Implementation : public detail::Dialer {
    using detail::Dialer::Dialer;
};

PersistentWebSocket::PersistentWebSocket(std::function<WebSocketTarget()> target, WebSocketEvents events,
                                         ReconnectPolicy policy)
    : implementation_(std::make_unique<Implementation>(std::move(target), std::move(events), std::move(policy))) {}
PersistentWebSocket::PersistentWebSocket(WebSocketTarget target, WebSocketEvents events, ReconnectPolicy policy)
    : PersistentWebSocket([target = std::move(target)] { return target; }, std::move(events), std::move(policy)) {}
PersistentWebSocket::~PersistentWebSocket() = default;

bool PersistentWebSocket::send(std::string text) {
    const auto session = implementation_->session();
    return session && session->send(std::move(text));
}

bool PersistentWebSocket::connected() const {
    const auto session = implementation_->session();
    return session && !session->closed();
}

void PersistentWebSocket::reconnect(std::string reason) {
    implementation_->reconnect(std::move(reason));
}
void PersistentWebSocket::stop() {
    implementation_->stop("the client stops");
}

}  // namespace swb::net
