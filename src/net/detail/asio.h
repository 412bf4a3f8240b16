// Asio and Beast under short names, and the one way this module writes a co_await. Included by .cpp files of net only.
//
// g++ 12 destroys some temporaries of a co_await expression twice: lambdas with captures and braced aggregates. So no
// lambda and no brace inside a co_await expression here: give it a name in a statement before. A coroutine is a member
// function or a static function with its state as parameters, never a capturing lambda.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast.hpp>
#include <boost/beast/ssl.hpp>
#include <exception>

namespace swb::net::detail {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace websocket = boost::beast::websocket;
using Tcp = asio::ip::tcp;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using WebSocketStream = websocket::stream<TlsStream>;
using IoError = beast::error_code;

// co_await stream.async_x(…, into(error)): the result is returned, the error assigned, nothing is thrown.
inline auto into(IoError& error) {
    return asio::redirect_error(asio::use_awaitable, error);
}

// For co_spawn: coroutines of this module report by values; what they throw all the same is a bug and is logged.
void logEscaped(std::exception_ptr exception);

}  // namespace swb::net::detail
