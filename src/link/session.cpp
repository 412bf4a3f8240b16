#include "link/session.h"

#include "base/assert.h"

namespace swb::link {
namespace {

template <typename T>
const T* as(const Event& event) {
    return std::get_if<T>(&event);
}

bool isFromAgent(const Message& message) {
    return std::holds_alternative<Heartbeat>(message) || std::holds_alternative<Progress>(message) ||
           std::holds_alternative<Outcome>(message) || std::holds_alternative<LedgerReply>(message) ||
           std::holds_alternative<Renew>(message);
}

bool isFromController(const Message& message) {
    return std::holds_alternative<Command>(message) || std::holds_alternative<Inquire>(message) ||
           std::holds_alternative<Cancel>(message) || std::holds_alternative<Certificate>(message);
}

Error unexpected(const Message& message) {
    return Error(ErrorCode::ProtocolViolation,
                 "a message of type " + std::string(typeName(message)) + " does not belong here");
}

}  // namespace

// ---- the controller's end

Actions ControllerSession::resume(const Event& event, MonotonicMs now) {
    if (state_ == SessionState::over) return {};
    if (as<Opened>(event)) {
        SWB_ASSERT(state_ == SessionState::closed, "a session is one connection");
        state_ = SessionState::opening;
        heardAt_ = now;
        return {};
    }
    if (const auto* received = as<Received>(event)) return receive(received->text, now);
    if (const auto* closed = as<Closed>(event)) {
        state_ = SessionState::over;
        return {Lost{closed->error}};
    }
    if (const auto* say = as<Say>(event)) {
        if (state_ != SessionState::established) return {};
        return {Send{encode(say->message)}};
    }
    if (state_ == SessionState::closed || now - heardAt_ < settings_.lostMs) return {};
    return end(Error(ErrorCode::DeadlineExceeded,
                     "nothing was heard from the agent for " + std::to_string(now - heardAt_) + " ms"),
               false);
}

Actions ControllerSession::receive(const std::string& text, MonotonicMs now) {
    if (state_ == SessionState::closed) return {};
    auto message = decode(text);
    if (!message) return end(message.error(), true);
    if (state_ == SessionState::opening) {
        const auto* hello = std::get_if<Hello>(&*message);
        if (!hello) return end(unexpected(*message), true);
        return greet(*hello, now);
    }
    if (!isFromAgent(*message)) return end(unexpected(*message), true);
    if (const auto* heartbeat = std::get_if<Heartbeat>(&*message)) {
        if (heartbeat->sequence != sequence_ + 1)
            return end(Error(ErrorCode::ProtocolViolation, "heartbeat " + std::to_string(heartbeat->sequence) +
                                                               " came after " + std::to_string(sequence_)),
                       true);
        ++sequence_;
    }
    heardAt_ = now;
    return {Deliver{std::move(*message)}};
}

Actions ControllerSession::greet(const Hello& hello, MonotonicMs now) {
    if (hello.version != protocolVersion)
        return end(Error(ErrorCode::Unsupported,
                         "the agent speaks version " + std::to_string(hello.version) +
                             " of the protocol, this controller " + std::to_string(protocolVersion),
                         "install the agent of this controller's version"),
                   true);
    if (hello.server != settings_.certificateName)
        return end(Error(ErrorCode::CertificateRejected, "the agent calls itself " + hello.server +
                                                             ", its certificate says " + settings_.certificateName),
                   true);
    state_ = SessionState::established;
    server_ = hello.server;
    heardAt_ = now;
    return {Send{encode(Welcome{protocolVersion, settings_.controllerVersion, settings_.heartbeatMs})},
            Established{hello}};
}

Actions ControllerSession::end(Error error, bool tellPeer) {
    state_ = SessionState::over;
    Actions actions;
    if (tellPeer) actions.push_back(Send{encode(Refused{error})});
    actions.push_back(Close{describe(error)});
    actions.push_back(Lost{std::move(error)});
    return actions;
}

// ---- the agent's end

Actions AgentSession::resume(const Event& event, MonotonicMs now) {
    if (state_ == SessionState::over) return {};
    if (as<Opened>(event)) {
        SWB_ASSERT(state_ == SessionState::closed, "a session is one connection");
        state_ = SessionState::opening;
        openedAt_ = now;
        return {Send{encode(hello_)}};
    }
    if (const auto* received = as<Received>(event)) return receive(received->text, now);
    if (const auto* closed = as<Closed>(event)) {
        state_ = SessionState::over;
        return {Lost{closed->error}};
    }
    if (const auto* say = as<Say>(event)) {
        if (state_ != SessionState::established) return {};
        Message message = say->message;
        if (auto* heartbeat = std::get_if<Heartbeat>(&message)) {
            heartbeat->sequence = ++sequence_;
            heartbeatAt_ = now;
        }
        return {Send{encode(message)}};
    }
    if (state_ != SessionState::opening || now - openedAt_ < welcomeMs_) return {};
    return end(Error(ErrorCode::DeadlineExceeded, "the controller did not answer the greeting"));
}

Actions AgentSession::receive(const std::string& text, MonotonicMs now) {
    if (state_ == SessionState::closed) return {};
    auto message = decode(text);
    if (!message) return end(message.error());
    if (const auto* refused = std::get_if<Refused>(&*message)) return end(refused->error);
    if (state_ == SessionState::opening) {
        const auto* welcome = std::get_if<Welcome>(&*message);
        if (!welcome) return end(unexpected(*message));
        if (welcome->version != protocolVersion)
            return end(Error(ErrorCode::Unsupported,
                             "the controller speaks version " + std::to_string(welcome->version) + " of the protocol"));
        state_ = SessionState::established;
        heartbeatMs_ = welcome->heartbeatMs;
        heartbeatAt_ = now - heartbeatMs_;  // the first one is due at once
        return {Established{std::move(*message)}};
    }
    if (!isFromController(*message)) return end(unexpected(*message));
    return {Deliver{std::move(*message)}};
}

bool AgentSession::heartbeatDue(MonotonicMs now) const {
    return state_ == SessionState::established && now - heartbeatAt_ >= heartbeatMs_;
}

Actions AgentSession::end(Error error) {
    state_ = SessionState::over;
    std::string reason = describe(error);
    return {Close{std::move(reason)}, Lost{std::move(error)}};
}

}  // namespace swb::link
