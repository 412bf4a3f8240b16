// Between the net module and the rest: HTTP requests to the API, WebSockets to the fleet, the store's events to
// streams.
#pragma once

#include "api/api.h"
#include "net/http_server.h"

namespace swb {

class Gateway {
  public:
    Gateway(api::Api& api, dispatch::Fleet& fleet, store::Store& store, const crypto::CertificateAuthority& authority);

    void handle(net::HttpRequest request, const net::HttpRespond& respond);
    Result<net::WebSocketCallbacks> accept(const net::WebSocketHandle& socket);

  private:
    void stream(const net::HttpRequest& request, const net::HttpRespond& respond);
    void renew(const std::string& server, const link::Renew& renew);

    api::Api& api_;
    dispatch::Fleet& fleet_;
    store::Store& store_;
    const crypto::CertificateAuthority& authority_;
};

}  // namespace swb
